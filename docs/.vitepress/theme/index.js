// VitePress's own theme, with a filter above every long table.
import DefaultTheme from 'vitepress/theme'
import { nextTick, onMounted, watch } from 'vue'
import { useRoute } from 'vitepress'
import './style.css'

/** Rows from which a table has a filter. */
const long = 15

function addFilter(table) {
  const rows = [...table.querySelectorAll('tbody tr')]
  if (rows.length < long || table.previousElementSibling?.classList.contains('filter')) return
  const bar = document.createElement('div')
  bar.className = 'filter'
  const input = Object.assign(document.createElement('input'), { type: 'search', placeholder: 'Filter these rows' })
  input.setAttribute('aria-label', 'Filter these rows')
  const count = document.createElement('span')
  const texts = rows.map((row) => row.textContent.toLowerCase())
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean)
    rows.forEach((row, at) => (row.hidden = !words.every((word) => texts[at].includes(word))))
    count.textContent = `${rows.filter(({ hidden }) => !hidden).length} of ${rows.length}`
  }
  input.addEventListener('input', show)
  bar.append(input, count)
  table.before(bar)
  show()
}

const addFilters = () => document.querySelectorAll('.vp-doc table').forEach(addFilter)

export default {
  extends: DefaultTheme,
  setup() {
    const route = useRoute()
    onMounted(addFilters)
    watch(
      () => route.path,
      () => nextTick(addFilters),
    )
  },
}
