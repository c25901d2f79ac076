/** Test helper: tests that Debian's runc (1.1.5) fails, and why that is right. */

const earlyPoststart = 'runc 1.1 runs poststart hooks in create, before the program; config.md says after start'
const killed = 'runc 1.1 writes its state too late: what it has made is never found again'
const time = 'runc 1.1.5 knows no time namespaces, newer versions do'
const unreachable = 'runc does not reach a rootfs below a directory that only root may enter'
const propagation = 'runc fails on shared mounts, or sends and keeps other mounts than config-linux.md says'
const hybrid = 'on a hybrid host runc does not use the controllers of the unified hierarchy'
const eventsEnd = 'on cgroup v1 events of runc go on until the container is deleted'
const lacking = 'runc 1.1 fails where it lacks a capability of the config'
const barrier = 'runc 1.1 sends no BARRIER=1, newer versions do'
const socket = 'runc starts nothing when the socket of the manager is not there'

const newer = 'runc 1.1.5 does not know it, newer versions do'

/** Reason by title of the test. */
export const runcDifferences: Readonly<Record<string, string>> = {
  'a container without a mount namespace sees its rootfs and mounts nothing on the host':
    'runc binds the rootfs onto itself in the mount namespace of the host and leaves that mount there',
  'list of a root that does not exist is an error when it was named':
    'runc 1.1 lists nothing; since 1.2 it is an error there too',
  'descriptors that are to be preserved and are not there are passed over, and nothing else gets their numbers':
    'runc 1.1 passes on a descriptor of its own that has the number, here one of the host’s /sys/fs/cgroup',
  'the pidfd socket receives a pidfd of the init process': newer,
  'a pidfd socket that nobody listens on makes create fail, with nothing left': newer,
  'without the member capabilities nothing is taken away':
    'runc 1.1 takes every capability away; newer versions leave them, as the spec says nothing of a default',
  'the scheduler has the policy, priority, nice value and flags of the config': newer,
  'SCHED_DEADLINE has its runtime, deadline and period': newer,
  'ioPriority has class and level': newer,
  'a device is in the container, up, with its permanent global addresses, and all else as it was': newer,
  'devices get their names, two may swap theirs, and the loopback device is up beside them': newer,
  'createRuntime hooks find the device in the container, and a virtual one is gone with it': newer,
  'a device works in a user namespace of the container’s own': newer,
  'in a namespace that is joined by its path a device outlives the container': newer,
  'the program has the memory policy of the config': newer,
  'a process that exec adds has the memory policy too': newer,
  'personality LINUX32 makes the machine look like one of 32 bits': newer,
  'the program may use all CPUs, also when the runtime is bound to one':
    'runc 1.1 leaves the container bound as the runtime is; newer versions reset that',
  'the option mode of a tmpfs counts more than the directory that it covers':
    'runc 1.1 sets the directory’s mode after the mount; newer versions let the option win',
  'the option defaults changes nothing': 'runc 1.1 hands it to the file system as data, which refuses it',
  'of two access time options that contradict each other the later one counts':
    'runc sets both bits and lets the kernel choose',
  'a bind mount keeps the options of its source that the config doesn’t name':
    'a remount of runc sets all options anew: nosuid and noexec of the source are lost as soon as ro is asked for',
  'a bind mount can take an option of its source back': 'runc 1.1 does not remount when options are only taken back',
  'options of a file system on a bind mount are an error, not ignored':
    'runc 1.1 ignores them; newer versions refuse them too',
  'a recursive option takes an option back from a mount and from those below it':
    'runc 1.1 does not clear the access time field before it sets it, which mount_setattr(2) demands; fixed later',
  'a recursive option works on a file system mount too': 'runc applies them to bind mounts only',
  'rootfsPropagation makes the root the kind of mount that it names':
    'with runc a shared root ends up private, and an unbindable one cannot be made',
  'of several rules the last one that matches decides, for each kind of access':
    'on cgroup v1 it cannot make an exception within a rule for many devices',
  'domainname is set in the container alone': newer,
  'idmap gives the container’s own mappings: files have their owners inside, and new ones outside': newer,
  'uidMappings and gidMappings of a mount count, with and without a user namespace': newer,
  'mappings of a mount count also without the option': newer,
  'each mount has mappings of its own': newer,
  'idmap is for the one mount, ridmap also for those below it': newer,
  'in a user namespace that is joined by path the mappings are those of that namespace': newer,
  "a new time namespace is not the runtime's, and the others are not affected": newer,
  'time offsets shift the clocks of a new time namespace': newer,
  'time offsets without a time namespace are refused': newer,
  'a time namespace is joined by its path': newer,
  'a user namespace that is the runtime’s own can be named by its path':
    'runc tries to join it, which the kernel refuses; there is nothing to join',
  'a path that is no namespace, and one that is not there, are errors that name it':
    'runc prints nine lines and names only the missing one',
  'a poststart hook finds the container running': earlyPoststart,
  'hooks run at their moments: create, start or delete': earlyPoststart,
  'a hook without an environment has the caller’s, createContainer none, startContainer the program’s':
    'runc gives createContainer hooks the environment of the image (CVE-2025-23266)',
  'a hook has its own arguments and no descriptor of the runtime':
    'createContainer hooks of runc have three descriptors of runc’s init',
  'a hook may leave a daemon behind that has its streams': 'runc waits until the daemon has closed them, here forever',
  'a startContainer hook that fails makes start fail, and the container is stopped':
    'start of runc does not wait for these hooks; nobody is told that they failed',
  'a poststart hook that fails makes start fail, and the container is gone, by way of its poststop hooks':
    earlyPoststart,
  'a poststop hook that fails does not keep delete from its work, nor the hooks after it':
    'runc gives up at the first that fails; config.md demands that the others run',
  'a cgroup that has processes in it is refused, and they are left alone':
    'runc 1.1 only warns; newer versions refuse it',
  'the default action meets every call without a rule, with its errno':
    'the filter of runc binds runc’s own last steps, so it must permit what these call',
  'flags are given to the kernel': newer,
  'a flag that doesn’t exist is an error that names it': newer,
  'broken JSON is refused, with line and column': 'runc names the character, but not its place',
  'a rootfs that is a file is refused': 'runc finds out in the middle of create, and prints several lines',
  'all that is wrong is said at once, each with its JSON pointer': 'runc stops at the first fault',
  'NUL bytes in arguments are refused': 'create of runc accepts them; start then fails in execve',
  'a mount inside /proc is refused': 'runc 1.1 covers /proc/sys with the tmpfs',
  'a script whose interpreter is missing, and a file that is no program, make start fail':
    'start of runc does not wait for execve; nobody is told that it failed',
  'create is killed while a prestart hook runs': killed,
  'create is killed while a createRuntime hook runs': killed,
  'create is killed while a createContainer hook runs in the container': killed,
  'start is killed while a poststart hook runs: the container runs, and is not created any more': earlyPoststart,
  'run in the foreground is killed: its container runs on':
    'runc carries the output of a foreground container itself, so the container loses it',
  'the status is creating until create is done with everything, also that of run':
    'runc does not know the container before create is nearly done',
  'delete is killed while a poststop hook runs: a second delete finishes':
    'runc has removed the state before these hooks; those that have not run never do',
  'delete --force ends a create that hangs in a hook': killed,
  'all namespaces of another container are joined: each namespace with its owner first': time,
  'all namespaces of another container are joined: each namespace with its owner last': time,
  'all namespaces of another container are joined: the user namespace in the middle': time,
  'a user namespace is joined with one other, in either order': time,
  'in a user namespace that is joined the others are new, and belong to it': time,
  'a new time namespace with offsets goes with joined namespaces of all other types': time,
  'a source below a directory that the mapped root may not enter is bound all the same': unreachable,
  'a bind keeps the flags of its source, whatever else it asks for, and the container cannot take them back':
    unreachable,
  'what the runtime itself sets the container may take back, as root of its mount namespace': unreachable,
  'rootfsPropagation private, where the rootfs is within a shared mount': propagation,
  'rootfsPropagation slave, where the rootfs is within a shared mount': propagation,
  'rootfsPropagation shared, where the rootfs is within a shared mount': propagation,
  'rootfsPropagation rshared, where the rootfs is within a shared mount': propagation,
  'rootfsPropagation unbindable, where the rootfs is within a shared mount': propagation,
  'rootfsPropagation runbindable, where the rootfs is within a shared mount': propagation,
  'rootfsPropagation private, where the rootfs is itself a shared mount': propagation,
  'rootfsPropagation slave, where the rootfs is itself a shared mount': propagation,
  'rootfsPropagation shared, where the rootfs is itself a shared mount': propagation,
  'rootfsPropagation rshared, where the rootfs is itself a shared mount': propagation,
  'rootfsPropagation unbindable, where the rootfs is itself a shared mount': propagation,
  'rootfsPropagation runbindable, where the rootfs is itself a shared mount': propagation,
  'memory.kernelTCP is in its file when the container is created': 'runc ignores it, with a warning',
  'cpu.shares is in its file when the container is created':
    'on cgroup v2 runc 1.1 has an older formula for the weight; newer versions have the same',
  'cpu.burst is in its file when the container is created': newer,
  'cpu.idle is in its file when the container is created': newer,
  'pids.limit 0 is in its file when the container is created':
    'runc 1.1 takes 0 for no limit, as runtime-spec did before 1.3',
  'hugepageLimits is in its file when the container is created': hybrid,
  'huge pages beyond the limit cannot be had': hybrid,
  'with a burst a container may use what it has left over': newer,
  'of two containers on one CPU cpu.idle decides who gets it': newer,
  'memory without swap, and swap without memory, change each by itself as far as they can':
    'on cgroup v2 runc refuses swap alone; tsrun counts it from the limit that the container has',
  'events tells statistics after every interval, and ends when the container does': eventsEnd,
  'an OOM kill is told when it happens, each time': eventsEnd,
  'an interval that is none, and a container that has stopped, are errors': 'runc says it in other words',
  'a bundle that doesn’t exist is refused': 'runc says it in other words',
  '--no-subreaper is taken as from callers of runc: an orphan goes to the container’s init':
    'runc 1.1 has --no-subreaper for run alone',
  'what the runtime itself does not have is left out; the rest of the sets is given': lacking,
  'a process of exec does without what the runtime does not have, too': lacking,
  'start returns when the container is ready and the manager knows its main process': barrier,
  'the container finds its socket in the environment, in a directory that it cannot change': socket,
  'start also returns when the container ends without having been ready': socket,
  'run --detach waits for the container to be ready': barrier,
  'a listener may ask that only a fatal signal ends the wait for its answer': newer,
}
