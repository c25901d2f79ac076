# `npx node-gyp rebuild` works too. CMakeLists.txt is the one build description: this only calls it.
{
  'targets': [{
    'target_name': 'tsrun',
    'type': 'none',
    'actions': [{
      'action_name': 'cmake-js',
      'inputs': ['CMakeLists.txt', 'src/plan/steps.ts', 'src/native/addon-table.ts', '<!@(cat native/sources.list native/init.list)'],
      'outputs': ['<(PRODUCT_DIR)/tsrun.node'],
      'action': ['node', 'scripts/build.mjs', 'native'],
    }],
  }],
}
