/** Stage 4, launch: opens the gauges of a container. */
import { Cgroup } from '../cgroup/cgroup.js'
import type { ContainerId } from '../state/store.js'
import { Gauges } from '../stats/gauges.js'
import type { RuntimeContext } from './context.js'

/** What a container uses, to be read again and again; the caller closes it. @throws NotFoundError, StoreError, SyscallError */
export const openGauges = ({ store }: RuntimeContext, id: ContainerId): Gauges =>
  new Gauges(new Cgroup(store.load(id).cgroup))
