/** Stage 1, config: lists of CPUs and memory nodes such as `0-3,7` (cpuset(7)). */

/** The list without blanks and empty elements, which the kernel's own parser would not take everywhere. */
export const normalizedList = (list: string): string =>
  list
    .split(',')
    .map((element) => element.trim())
    .filter(Boolean)
    .join(',')

/** True when every element is a number, or two with a `-` of which the first is not the greater one. */
export function isNumberList(list: string): boolean {
  return normalizedList(list)
    .split(',')
    .every((element) => {
      const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(element) ?? []
      return first !== undefined && Number(first) <= Number(last ?? first)
    })
}
