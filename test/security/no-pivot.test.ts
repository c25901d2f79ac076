/** `--no-pivot` leaves the host's mounts in the namespace: none of them may show what the container's own /proc hides. */
import { attackTest } from '../helpers/attack.js'

/** A user namespace gets a new procfs only where one is left in the mount namespace that shows all of it. */
const mountAnother = '/bin/busybox unshare -U -r -m -p -f /bin/busybox mount -t proc again /proc'.split(' ')

for (const name of ['procfs', 'proc fs', 'proc\\fs', 'proc\tfs']) {
  for (const [masked, status] of [
    [['/proc/keys'], 1],
    [[], 0],
  ] as const) {
    const what = masked.length > 0 ? 'a masked /proc stays masked' : 'without masks another can be mounted'
    attackTest(`--no-pivot with a procfs of the host at ${JSON.stringify(name)}: ${what}`, (t, scope) => {
      const bundle = scope.bundle((config) => {
        config.process.args = mountAnother
        config.linux.maskedPaths = [...masked]
        for (const set of ['bounding', 'effective', 'permitted'] as const)
          config.process.capabilities?.[set]?.push('CAP_SETFCAP', 'CAP_SETUID', 'CAP_SETGID')
      })
      const script = 'mkdir "$0" && mount -t proc proc "$0" && exec "$@"'
      const line = scope.runner.commandLine(['run', '--no-pivot', '--bundle', bundle.path, scope.newId()])
      const unshare = ['--mount', '--propagation', 'private', 'sh', '-c', script, scope.path(name), ...line]
      const result = scope.runner.runProgram('unshare', unshare)
      t.match(result, { status, stderr: status === 0 ? '' : /^mount: permission denied/ })
    })
  }
}

attackTest(
  '--no-pivot with blanks in the path of the rootfs: the container keeps its own /proc and /sys',
  (t, scope) => {
    const bundle = scope.bundle((config) => {
      config.process.args = ['/bin/sh', '-c', 'cat /proc/self/comm && ls /sys']
      config.root.path = `${config.root.path} fs`
    })
    scope.runner.runProgram('mv', [bundle.rootfs, `${bundle.rootfs} fs`])
    const { status, stdout, stderr } = scope.runtime(['run', '--no-pivot', '--bundle', bundle.path, scope.newId()])
    t.match({ status, stderr }, { status: 0, stderr: '' })
    t.match(stdout, /^cat\n[^]*kernel\n/)
  },
)
