import t from 'tap'
import type { Hooks } from '#dist/config/types.js'
import { planCreateContainerHooks, planStartContainerHooks } from '#dist/plan/hooks.js'
import { config, input, names, processOf, stepOf, stepsOf } from './support.js'

const of = (hooks: Hooks, annotations?: Record<string, string>) =>
  input(config({ hooks, process: processOf({ cwd: '/work' }), ...(annotations ? { annotations } : {}) }))

function state(step: { statePrefix: string; stateSuffix: string }, pid: number): unknown {
  return JSON.parse(`${step.statePrefix}${pid}${step.stateSuffix}`)
}

t.test('createContainer hooks run with nothing of the runtime, in the rootfs', (t) => {
  const steps = planCreateContainerHooks(of({ createContainer: [{ path: '/h' }, { path: '/i', args: [] }] }))
  t.match(stepsOf(steps, 'hook'), [
    { kind: 'createContainer', index: 0, path: '/h', args: ['/h'], env: [], cwd: '/bundle/rootfs', timeout: 0 },
    { index: 1, args: ['/i'] },
  ])
  t.strictSame(names(steps), ['umask', 'hook', 'hook'], 'with a umask')
  t.strictSame(planCreateContainerHooks(of({})), [])
  t.end()
})

t.test('startContainer hooks get the environment of the process unless they have their own', (t) => {
  const startContainer = [
    { path: '/h' },
    { path: '/h', env: [] },
    { path: '/h', args: ['x', 'y'], env: ['B=2'], timeout: 3 },
  ]
  t.match(planStartContainerHooks(of({ startContainer })), [
    { op: 'hook', kind: 'startContainer', programEnv: true, cwd: '/work' },
    { env: [], programEnv: false },
    { args: ['x', 'y'], env: ['B=2'], programEnv: false, timeout: 3, index: 2 },
  ])
  t.end()
})

t.test('the state is that of the moment', (t) => {
  const hooks = { createContainer: [{ path: '/h' }], startContainer: [{ path: '/h' }] }
  const annotations = { 'a"b': 'pid\n"' }
  const creating = stepOf(planCreateContainerHooks(of(hooks, annotations)), 'hook')
  const common = { ociVersion: '1.3.0', id: 'demo', bundle: '/bundle' }
  t.strictSame(state(creating, 1), { ...common, status: 'creating', pid: 1, annotations })
  const created = stepOf(planStartContainerHooks(of(hooks)), 'hook')
  t.strictSame(state(created, 42), { ...common, status: 'created', pid: 42 })
  t.end()
})
