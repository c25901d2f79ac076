/** Library: events as an iterator that ends at once, on `return` and on an AbortSignal. */
import { closeFile } from '../native/binding.js'
import { openPipe } from '../native/event-loop.js'

/**
 * What `make` yields. It gets a descriptor that becomes readable when it has to end; nothing is opened before the first
 * event is asked for. When `signal` is aborted, the pending and the next `next` are rejected with its reason.
 */
export function stoppable<T>(
  make: (stop: number) => AsyncGenerator<T, void, void>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, void> {
  let source: AsyncGenerator<T, void, void> | undefined
  let stop = (): void => undefined
  let over = false
  const begin = (): AsyncGenerator<T, void, void> => {
    const { read, write } = openPipe()
    let open = true
    stop = () => {
      // Its other end hears of it.
      if (open) closeFile(write)
      open = false
      signal?.removeEventListener('abort', stop)
    }
    signal?.addEventListener('abort', stop, { once: true })
    return until(make(read), () => {
      stop()
      closeFile(read)
    })
  }
  const finished: IteratorResult<T, void> = { done: true, value: undefined }
  const end = async (): Promise<IteratorResult<T, void>> => {
    over = true
    stop()
    await source?.return()
    return finished
  }
  return {
    async next() {
      signal?.throwIfAborted()
      if (over) return finished
      const result = await (source ??= begin()).next()
      signal?.throwIfAborted()
      return result
    },
    return: end,
    async throw(error) {
      await end()
      throw error
    },
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await end()
    },
  }
}

async function* until<T>(source: AsyncGenerator<T, void, void>, atEnd: () => void): AsyncGenerator<T, void, void> {
  try {
    yield* source
  } finally {
    atEnd()
  }
}
