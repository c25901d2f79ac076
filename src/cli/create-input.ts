/** Command line: from the options of `create` and `run`, and what their caller has left around, to what a container is made of. */
import { parseJson, type Config, type CreateOptions } from '../core.js'
import { readJsonText } from '../native/binding.js'
import { notifyOption } from './notify-socket.js'
import type { createOptions, OptionValues } from './options.js'
import { countListenFds } from './socket-activation.js'

/** What `create` takes. The config of --config is checked there, as every other. @throws ConfigError, SyscallError */
export function createInput(options: OptionValues<typeof createOptions>): CreateOptions {
  const { bundle = '.', config, ...others } = options
  const input = { ...others, bundle, listenFds: countListenFds(), ...notifyOption() }
  return config === undefined ? input : { ...input, config: readConfig(config) }
}

function readConfig(path: string): Config {
  return parseJson(readJsonText(path), JSON.stringify(path)) as Config
}
