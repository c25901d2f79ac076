// Runs test files inside the virtual machine of scripts/test-vm.mjs. usage: node scripts/test-vm-guest.mjs NAME FILE...
// The last line is the counts as JSON, for the host.
import { runLane } from './test-lane.mjs'

const [name, ...files] = process.argv.slice(2)
// Loading tap's runner takes longer than many tests here; and the host stops a machine that takes too long.
const counts = await runLane({ name, files, direct: true })
console.log(JSON.stringify(counts))
