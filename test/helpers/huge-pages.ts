/** Test helper: huge pages of 2 MiB, and how a container asks for them. */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Scope } from './scope.js'

/** Adds pages to the pool of the machine, until the end of the test. */
export function addHugePages(scope: Scope, count: number): void {
  const pool = '/proc/sys/vm/nr_hugepages'
  const before = readFileSync(pool, 'utf8')
  scope.defer(() => writeFileSync(pool, before))
  writeFileSync(pool, String(Number(before) + count))
}

const MMAP = 9 // x86-64

/** What the probe is to try: PROT_READ | PROT_WRITE, then MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB. */
export const mapHugePages = (bytes: number): string => `syscall ${MMAP} 0 ${bytes} 3 262178 -1 0`
