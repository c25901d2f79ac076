/** Stage 1, config: rules for annotations that tsrun obeys or refuses (docs/annotations.md). */
import { annotationName, mountContexts, refusedAnnotations } from '../annotations.js'
import { requireAbsolute, type Rule } from './rule.js'

const { hookStdout, hookStderr, pidfdReceiver, seccompReceiver } = annotationName

/** A container must not look as if it had what it has not. */
export const annotationsArePossible: Rule = ({ annotations = {} }, report) => {
  for (const [name, reason] of Object.entries(refusedAnnotations)) {
    if (Object.hasOwn(annotations, name) && annotations[name] !== '')
      report(['annotations', name], `not supported: ${reason}`)
  }
}

/** Files and sockets of the runtime namespace: where a relative path would start is anybody's guess. */
export const annotationPathsAreAbsolute: Rule = ({ annotations = {} }, report) => {
  for (const name of [hookStdout, hookStderr, pidfdReceiver, seccompReceiver]) {
    const path = Object.hasOwn(annotations, name) ? annotations[name] : undefined
    if (path) requireAbsolute(path, ['annotations', name], report)
  }
}

/** mount(8): the SELinux options of a mount. */
export const mountContextIsKnown: Rule = ({ annotations = {} }, report) => {
  const name = annotationName.mountContext
  const value = Object.hasOwn(annotations, name) ? annotations[name] : undefined
  if (!value || mountContexts.some((known) => known === value)) return
  report(
    ['annotations', name],
    `unknown mount context type ${JSON.stringify(value)}; known are ${mountContexts.join(', ')}`,
  )
}
