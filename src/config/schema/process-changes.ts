/** Stage 1, config: what `exec` changes of the config's process, member by member. */
import { lazily, list, object } from './shape.js'
import { flag, id, text, texts, uint32 } from './values.js'

/** Of two entries of one name in `env` the later one wins, also over the config's; without `gid` the group stays. */
export const processChanges = lazily(() => ({
  required: { args: list(text, { min: 1 }) },
  optional: {
    terminal: flag,
    /** Absolute in the container. */
    cwd: text,
    /** Each `NAME=value`. */
    env: texts,
    user: object({ uid: id }, { gid: id, umask: uint32 }, { strict: true }),
    /** Added to the config's. */
    additionalGids: list(id),
    /** Names as CAP_CHOWN, added to the bounding, effective and permitted set. */
    capabilities: texts,
    noNewPrivileges: flag,
    apparmorProfile: text,
    selinuxLabel: text,
  },
}))

/** The same as one shape. */
export const processChangesShape = lazily(() => {
  const { required, optional } = processChanges()
  return object(required, optional)
})
