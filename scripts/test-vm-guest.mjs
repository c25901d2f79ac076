// Runs test files inside the virtual machine of scripts/test-vm.mjs. usage: node scripts/test-vm-guest.mjs NAME JOBS FILE...
// The last line is the counts as JSON, for the host.
import { runLane } from './test-lane.mjs'

const [name, jobs, ...files] = process.argv.slice(2)
const counts = await runLane({ name, files, jobs: Number(jobs) })
console.log(JSON.stringify(counts))
