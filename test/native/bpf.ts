/** Test helper: runs classic BPF over a syscall, as the kernel does with a seccomp filter (seccomp(2)). */

/** A syscall as the filter sees it. */
export interface Call {
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly arch: number
  readonly number: number
  readonly args?: readonly (number | bigint)[]
}

/** AUDIT_ARCH_* of the machines that the tests speak of. */
export const auditArch = { x86_64: 0xc000003e, i386: 0x40000003, aarch64: 0xc00000b7, arm: 0x40000028 } as const

/** The bit that makes a number one of x32. */
export const x32Bit = 0x40000000

interface Instruction {
  readonly code: number
  readonly jt: number
  readonly jf: number
  readonly k: number
}

/** struct sock_filter[] of linux/filter.h. */
export function disassemble(program: Uint8Array): Instruction[] {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength)
  return Array.from({ length: program.length / 8 }, (_, i) => ({
    code: view.getUint16(i * 8, true),
    jt: view.getUint8(i * 8 + 2),
    jf: view.getUint8(i * 8 + 3),
    k: view.getUint32(i * 8 + 4, true),
  }))
}

/** struct seccomp_data of linux/seccomp.h. */
function seccompData({ arch, number, args = [] }: Call): DataView {
  const data = new DataView(new ArrayBuffer(64))
  data.setUint32(0, number, true)
  data.setUint32(4, arch, true)
  args.forEach((arg, index) => {
    data.setBigUint64(16 + 8 * index, BigInt.asUintN(64, BigInt(arg)), true)
  })
  return data
}

/** What the filter returns for the call: SECCOMP_RET_*. Throws when the kernel would not have taken the filter. */
export function runFilter(program: Uint8Array, call: Call): number {
  const instructions = disassemble(program)
  const data = seccompData(call)
  let accumulator = 0
  for (let at = 0; ;) {
    const instruction = instructions[at]
    if (instruction === undefined) throw new Error('the program has no end')
    const { code, jt, jf, k } = instruction
    at++
    // BPF_CLASS | BPF_OP of linux/bpf_common.h; the kernel takes no others in a seccomp filter of ours.
    if (code === 0x20) accumulator = data.getUint32(k, true)
    else if (code === 0x06) return k
    else if (code === 0x05) at += k
    else if (code === 0x15) at += accumulator === k ? jt : jf
    else if (code === 0x25) at += accumulator > k ? jt : jf
    else if (code === 0x35) at += accumulator >= k ? jt : jf
    else if (code === 0x45) at += (accumulator & k) !== 0 ? jt : jf
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0
    else throw new Error(`instruction ${code.toString(16)} at ${at - 1}`)
  }
}
