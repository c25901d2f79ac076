/** Command line: from the options of `create` and `run`, and what their caller has left around, to what a container is made of. */
import type { Config } from '../config/types.js'
import type { CreateOptions } from '../launch/prepare.js'
import { readJsonText } from '../native/binding.js'
import { notifyOption } from './notify-socket.js'
import type { createOptions, OptionValues } from './options.js'
import { countListenFds } from './socket-activation.js'

/** What `create` takes. The config of --config is checked there, as every other. @throws ConfigError, SyscallError */
export async function createInput(options: OptionValues<typeof createOptions>): Promise<CreateOptions> {
  const { bundle = '.', config, ...others } = options
  const input = { ...others, bundle, listenFds: countListenFds(), ...notifyOption() }
  return config === undefined ? input : { ...input, config: await readConfig(config) }
}

async function readConfig(path: string): Promise<Config> {
  const { parseJson } = await import('../config/json.js')
  return parseJson(readJsonText(path), JSON.stringify(path)) as Config
}
