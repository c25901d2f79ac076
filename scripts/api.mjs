// The reference of the library's API, and the check that it is whole: what is exported is documented, and every type that
// an export speaks of is exported, too.
// usage: node scripts/api.mjs      writes build/api (needs dist)
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { Failure, isMain, packageFile, root, run, script } from './process.mjs'

const entry = join(root, 'dist/index.d.ts')
const options = {
  ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  ...{ target: ts.ScriptTarget.ES2023, types: ['node'], skipLibCheck: true },
}

/** Where the reference goes. */
export const apiFolder = join(root, 'build/api')

/** @throws Failure that names all that is missing */
export function checkApi() {
  if (!existsSync(entry)) throw new Failure('there is no dist: run npm run build')
  const program = ts.createProgram([entry], options)
  const checker = program.getTypeChecker()
  const aliased = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol)
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry))).map(aliased)
  const known = new Set(exported)
  const problems = new Set()
  for (const symbol of exported) {
    if (symbol.getDocumentationComment(checker).length === 0) problems.add(`${symbol.name} has no doc comment`)
    for (const declaration of symbol.declarations ?? []) {
      for (const reference of references(declaration)) {
        const target = checker.getSymbolAtLocation(reference)
        if (target === undefined) continue
        const type = aliased(target)
        if (isOurs(type) && !known.has(type))
          problems.add(`${symbol.name} speaks of ${type.name}, which is not exported`)
      }
    }
  }
  if (problems.size > 0) throw new Failure([...problems].sort().join('; '))
  return `${exported.length} exports`
}

/** A type of a module of ours; one with type parameters only helps to write others. */
const isOurs = (symbol) =>
  (symbol.declarations ?? []).some(
    (one) =>
      one.getSourceFile().fileName.startsWith(join(root, 'dist')) &&
      (ts.isInterfaceDeclaration(one) || ts.isTypeAliasDeclaration(one) || ts.isClassDeclaration(one)) &&
      one.typeParameters === undefined &&
      // A table by another name.
      !(ts.isTypeAliasDeclaration(one) && ts.isTypeQueryNode(one.type)),
  )

/** Names of types in a declaration, but for what users do not call or see; what is inherited is shown where it goes to. */
function* references(node) {
  if (ts.isConstructorDeclaration(node) || ts.isPrivateIdentifier(node.name ?? node) || ts.isHeritageClause(node))
    return
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected
  if (ts.canHaveModifiers(node) && ts.getCombinedModifierFlags(node) & hidden) return
  if (ts.isTypeReferenceNode(node)) yield ts.isQualifiedName(node.typeName) ? node.typeName.right : node.typeName
  const inner = []
  ts.forEachChild(node, (child) => void inner.push(child))
  for (const child of inner) yield* references(child)
}

function makeReference() {
  checkApi()
  const typedoc = packageFile('typedoc', 'bin/typedoc')
  if (!typedoc) throw new Failure('the npm package typedoc is not installed: run npm ci')
  const flags = ['--name', 'tsrun', '--readme', 'none', '--excludePrivate', '--excludeProtected', '--excludeInternal']
  const quiet = ['--validation.notExported', 'false', '--validation.invalidLink', 'false']
  run(process.execPath, [typedoc, '--out', apiFolder, ...flags, ...quiet, join(root, 'src/index.ts')])
}

if (isMain(import.meta.url)) await script(makeReference)
