/** docs/engines/kubernetes.yaml and the pod of kubernetes.md: what Kubernetes' own schemas say of them, and that they fit together. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DaemonSet } from 'kubernetes-models/apps/v1'
import { RuntimeClass } from 'kubernetes-models/node.k8s.io/v1'
import { Pod } from 'kubernetes-models/v1'
import t from 'tap'
import { parseAllDocuments } from 'yaml'

const engines = join(fileURLToPath(new URL('..', import.meta.resolve('#dist/index.js'))), 'docs/engines')
const kinds = { DaemonSet, RuntimeClass, Pod }
type Manifest = DaemonSet | RuntimeClass | Pod

/** The documents of a text, each judged by the schema of its kind; a duplicate key is an error of YAML. */
function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    const [fault] = document.errors
    if (fault !== undefined) throw fault
    const manifest = document.toJS() as { readonly kind: keyof typeof kinds }
    const judged = new kinds[manifest.kind](manifest as never)
    judged.validate()
    return judged
  })
}

const [runtimeClass, daemonSet] = manifestsIn(readFileSync(join(engines, 'kubernetes.yaml'), 'utf8')) as [
  RuntimeClass,
  DaemonSet,
]
const guide = readFileSync(join(engines, 'kubernetes.md'), 'utf8')

t.test('a manifest with a fault is refused', async (t) => {
  t.throws(() => manifestsIn('kind: RuntimeClass\napiVersion: node.k8s.io/v1\nmetadata: { name: x }\n'), /handler/)
  t.throws(() => manifestsIn('kind: Pod\nkind: Pod\n'), /unique/)
})

t.test('the handler is the name that containerd and CRI-O give the runtime', async (t) => {
  t.equal(runtimeClass.handler, 'tsrun')
  for (const [name, line] of [
    ['containerd.toml', `.containerd.runtimes.${runtimeClass.handler}]`],
    ['containerd2.toml', `.containerd.runtimes.${runtimeClass.handler}]`],
    ['crio.conf', `[crio.runtime.runtimes.${runtimeClass.handler}]`],
  ] as const)
    t.match(readFileSync(join(engines, name), 'utf8'), line, name)
})

t.test('the installer goes to the nodes that the class asks for, and its label finds its pods', async (t) => {
  const { selector, template } = daemonSet.spec ?? {}
  t.same(template?.spec?.nodeSelector, runtimeClass.scheduling?.nodeSelector)
  t.same(template?.metadata?.labels, selector?.matchLabels)
  const mounts = template?.spec?.initContainers?.flatMap(({ volumeMounts = [] }) => volumeMounts) ?? []
  const volumes = template?.spec?.volumes?.map(({ name }) => name)
  t.same([...new Set(mounts.map(({ name }) => name))], volumes)
})

t.test('the pod of the guide is one, of this class', async (t) => {
  const [pod] = manifestsIn(/```yaml\n([^]*?)```/.exec(guide)?.[1] ?? '') as [Pod]
  t.equal(pod.spec?.runtimeClassName, runtimeClass.metadata?.name)
})
