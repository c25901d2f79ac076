// What the compiler can't say: size of files and functions, direction of imports, one door to native code.
import tseslint from 'typescript-eslint'

/** Who may know whom: a launch records what it does in the state directory; the state knows nothing of launching. */
const stages = ['config', 'plan', 'state', 'cgroup', 'launch']
const reason =
  'A stage imports only what is to its left of: config, plan, state, cgroup, launch (docs/architecture.md).'
const laterThan = (stage) =>
  stages.slice(stages.indexOf(stage) + 1).map((later) => ({ regex: `^\\.\\..*/${later}/`, message: reason }))

const noNodeApi = {
  regex: '^(node:|bun(:|$))',
  message: 'Shared code runs in Node, in Bun and in the executable, where each of these modules costs start-up time.',
}
const onlyOneDoor = {
  regex: '\\.node$',
  message: 'Only src/native/binding.ts loads the addon, so that its failures become errors in one place.',
}
const noCli = {
  regex: '/cli/',
  message: 'The library is the core; the command line is a layer over it, never the other way round.',
}

/** One `no-restricted-imports` setting; the rule can be given only once per file. */
const restricted = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] })
const forStage = (stage, ...more) => ({
  files: [`src/${stage}/**/*.ts`],
  rules: restricted(noNodeApi, onlyOneDoor, noCli, ...more, ...laterThan(stage)),
})

export default tseslint.config(
  { ignores: ['build/', 'dist/', 'prebuilds/', 'node_modules/', 'bundles/*/rootfs/', '.tap/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ['tsconfig.json', 'test/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // A number or boolean in a message is fine; objects are not.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['**/*.ts', '**/*.mjs', '**/*.js'],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'always'],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ExportDefaultDeclaration',
          message: 'Named exports only: one name for one thing, in every file that imports it.',
        },
        {
          selector: 'TSEnumDeclaration',
          message: 'No enums: a const object gives the same without generated code.',
        },
      ],
      'max-lines': ['error', { max: 300, skipBlankLines: false, skipComments: false }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
    },
  },
  { files: ['**/*.mjs', '**/*.js'], rules: { 'no-unused-vars': 'error', 'prefer-const': 'error', 'no-var': 'error' } },
  { files: ['src/**/*.ts'], rules: restricted(noNodeApi, onlyOneDoor, noCli) },
  { files: ['src/cli/**/*.ts'], rules: restricted(noNodeApi, onlyOneDoor) },
  forStage('config'),
  forStage('plan', {
    regex: '/native/',
    message: 'Planning is pure: no file system, no native calls; what it must know comes in as HostFacts.',
  }),
  forStage('state'),
  forStage('cgroup'),
  forStage('launch'),
  { files: ['src/native/binding.ts'], rules: restricted(noNodeApi) },
  {
    files: ['test/**/*.ts'],
    rules: {
      // A test file is a list of tests; tap's own promises are awaited by tap.
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  { files: ['eslint.config.js'], rules: { 'no-restricted-syntax': 'off' } },
)
