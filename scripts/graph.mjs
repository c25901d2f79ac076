// Draws a directed graph without cycles as SVG: layers from top to bottom, few crossings. Pure.

const [boxWidth, boxHeight, gapX, gapY] = [92, 28, 22, 52]
const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** Layer of each node: one below the lowest of those that point to it. */
function layersOf(nodes, edges) {
  const layer = new Map()
  const visit = (node) => {
    if (!layer.has(node))
      layer.set(node, Math.max(-1, ...edges.filter(([, to]) => to === node).map(([from]) => visit(from))) + 1)
    return layer.get(node)
  }
  nodes.forEach(visit)
  return layer
}

/** An edge over several layers as edges from one layer to the next, by way of points. */
function stretch(edges, layer) {
  const rows = []
  for (const [node, at] of layer) (rows[at] ??= []).push(node)
  const paths = edges.map(([from, to]) => {
    const path = [from]
    for (let at = layer.get(from) + 1; at < layer.get(to); at++) {
      const point = `${from}>${to}@${at}`
      rows[at].push(point)
      path.push(point)
    }
    return [...path, to]
  })
  return { rows, paths }
}

/** Orders each row by where its neighbours are, down and up again, until it is quiet. */
function order(rows, paths) {
  const links = paths.flatMap((path) => path.slice(1).map((to, i) => [path[i], to]))
  const sort = (row, others, side) => {
    const place = new Map(others.map((node, i) => [node, (i + 0.5) / others.length]))
    const middle = (node, i) => {
      const near = links.filter((link) => link[side] === node).map((link) => place.get(link[1 - side]))
      return near.length === 0 ? (i + 0.5) / row.length : near.reduce((sum, one) => sum + one, 0) / near.length
    }
    const keys = new Map(row.map((node, i) => [node, middle(node, i)]))
    row.sort((one, other) => keys.get(one) - keys.get(other))
  }
  for (let round = 0; round < 12; round++) {
    for (let at = 1; at < rows.length; at++) sort(rows[at], rows[at - 1], 1)
    for (let at = rows.length - 2; at >= 0; at--) sort(rows[at], rows[at + 1], 0)
  }
}

/** The picture. `nodes`: names; `edges`: pairs of names; `title`: what a screen reader says. */
export function graph(nodes, edges, title) {
  const layer = layersOf(nodes, edges)
  const { rows, paths } = stretch(edges, layer)
  order(rows, paths)
  const widths = rows.map((row) => row.reduce((sum, one) => sum + (layer.has(one) ? boxWidth : 8) + gapX, -gapX))
  const width = Math.max(...widths) + 20
  const centre = new Map()
  rows.forEach((row, at) => {
    let x = (width - widths[at]) / 2
    for (const one of row) {
      const own = layer.has(one) ? boxWidth : 8
      centre.set(one, { x: x + own / 2, y: 10 + at * (boxHeight + gapY) + boxHeight / 2 })
      x += own + gapX
    }
  })
  const lines = paths.map((path) => {
    const points = path.map((one) => centre.get(one))
    const [first, ...rest] = points
    let d = `M${first.x.toFixed(0)} ${first.y + boxHeight / 2}`
    rest.forEach(({ x, y }, i) => {
      const from = points[i].y + boxHeight / 2
      const to = y - boxHeight / 2 - (i === rest.length - 1 ? 2 : 0)
      const half = ((from + to) / 2).toFixed(0)
      d += `C${points[i].x.toFixed(0)} ${half} ${x.toFixed(0)} ${half} ${x.toFixed(0)} ${to}`
      if (i < rest.length - 1) d += `V${y + boxHeight / 2}`
    })
    return `  <path d="${d}"/>`
  })
  const boxes = nodes.map((one) => {
    const { x, y } = centre.get(one)
    return `  <rect x="${(x - boxWidth / 2).toFixed(0)}" y="${y - boxHeight / 2}" width="${boxWidth}" height="${boxHeight}"/><text x="${x.toFixed(0)}" y="${y + 5}">${escape(one)}</text>`
  })
  const height = 20 + rows.length * boxHeight + (rows.length - 1) * gapY
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width.toFixed(0)} ${height}" width="${width.toFixed(0)}" font-family="system-ui, sans-serif" font-size="14" role="img" aria-label="${escape(title)}">
  <style>rect { fill: #ddf4ff; stroke: #0969da; rx: 6 } text { fill: #1f2328; text-anchor: middle } path { stroke: #57606a; fill: none; marker-end: url(#tip) }</style>
  <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" style="fill:#57606a;stroke:none;marker-end:none"/></marker></defs>
  <rect width="100%" height="100%" style="fill:#ffffff;stroke:none;rx:0"/>
${[...lines, ...boxes].join('\n')}
</svg>
`
}
