/** Test support: pods and containers as the kubelet asks for them, by containerd's CRI plugin. */
import { Containerd, image } from './containerd.js'
import type { Engine } from './feature.js'
import { GrpcClient, type Field, type Message } from './grpc.js'

/** A pod, as the later calls need it. */
export interface Pod {
  readonly id: string
  readonly config: readonly Field[]
}

/** How a process in a container has ended. */
export interface ExecResult {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** What `state` says: CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_EXITED. */
const states = ['created', 'running', 'exited'] as const

/** The kubelet's part. Numbers are those of the fields in cri-api's api.proto. */
export class Cri implements Engine {
  readonly containerd: Containerd
  readonly #client: GrpcClient
  readonly #pods: string[] = []
  #handler = ''

  private constructor(containerd: Containerd) {
    this.containerd = containerd
    this.#client = new GrpcClient(containerd.sandbox.file('containerd.sock'))
  }

  /** Starts containerd. */
  static async start(): Promise<Cri> {
    return new Cri(await Containerd.start())
  }

  /** Makes a pod with a network of its own or, with `host`, the node's. */
  async pod(name: string, { host = false }: { host?: boolean } = {}): Promise<Pod> {
    const { sandbox } = this.containerd
    const namespaces: Field = [1, [[1, host ? 2 : 0]]]
    const config: Field[] = [
      [
        1,
        [
          [1, name],
          [2, `uid-${name}`],
          [3, 'default'],
        ],
      ],
      [2, host ? '' : name],
      [3, sandbox.file(`logs-${name}`)],
      [
        8,
        [
          [1, `/${sandbox.word}-${name}`],
          [2, [namespaces]],
        ],
      ],
    ]
    const made = await this.call('RunPodSandbox', [
      [1, config],
      ...(this.#handler ? [[2, this.#handler] as const] : []),
    ])
    this.#pods.push(made.text(1))
    return { id: made.text(1), config }
  }

  /** Makes a container in a pod and starts it; returns its id. */
  async container(pod: Pod, name: string, command: readonly string[], linux: readonly Field[] = []): Promise<string> {
    const config: Field[] = [
      [1, [[1, name]]],
      [2, [[1, image]]],
      ...command.map((word): Field => [3, word]),
      [11, `${name}.log`],
      [15, linux],
    ]
    const made = await this.call('CreateContainer', [
      [1, pod.id],
      [2, config],
      [3, pod.config],
    ])
    await this.call('StartContainer', [[1, made.text(1)]])
    return made.text(1)
  }

  /** Runs a program in a container to its end. */
  async exec(id: string, ...command: string[]): Promise<ExecResult> {
    const result = await this.call('ExecSync', [[1, id], ...command.map((word): Field => [2, word]), [3, 20]])
    return { status: result.number(3), stdout: result.text(1), stderr: result.text(2) }
  }

  /** State and exit status of a container. */
  async status(id: string): Promise<{ state: string; exitCode: number; reason: string }> {
    const status = (await this.call('ContainerStatus', [[1, id]])).message(1)
    return { state: states[status.number(3)] ?? '', exitCode: status.number(7), reason: status.text(10) }
  }

  /** Calls a method of the runtime service. */
  call(method: string, fields: readonly Field[] = []): Promise<Message> {
    return this.#client.call(`/runtime.v1.RuntimeService/${method}`, fields)
  }

  async use(runtime: 'tested' | 'runc'): Promise<void> {
    this.#handler = runtime === 'runc' ? 'runc' : ''
  }

  async clear(): Promise<void> {
    for (const id of this.#pods.splice(0)) {
      await this.call('StopPodSandbox', [[1, id]])
      await this.call('RemovePodSandbox', [[1, id]])
    }
  }

  async close(): Promise<string[]> {
    this.#client.close()
    return this.containerd.close()
  }
}
