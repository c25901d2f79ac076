/** Test helper: the engine of the executable in a program that loads addons, and Node's own tests of Node-API. */
import { join } from 'node:path'
import { projectRoot } from './tools.js'

interface Engine {
  buildJudge(): string | undefined
  engineSources(): { folder?: string; reason?: string }
  fetchNodeTests(): { folder: string } | { reason: string }
}

const engine = async (): Promise<Engine> => (await import(join(projectRoot, 'scripts/engine.mjs'))) as Engine

/** Path of the program: TSRUN_JUDGE (scripts/test-sanitizers.mjs), or one that is built now; undefined without an engine. */
export const judge = async (): Promise<string | undefined> => process.env.TSRUN_JUDGE ?? (await engine()).buildJudge()

/** Folder of the engine's sources, or why there is none. */
export const engineSources = async (): Promise<{ folder?: string; reason?: string }> => (await engine()).engineSources()

/** Folder of Node's test/js-native-api, or why there is none. */
export const nodeTests = async (): Promise<{ folder: string } | { reason: string }> => (await engine()).fetchNodeTests()

/** For a program that is compiled for addons: where the headers are. */
export const nodeApiHeaders = `-I${join(projectRoot, 'node_modules/node-api-headers/include')}`
