const jupyterLab = require('@jupyterlab/testing/lib/jest-config')(__dirname);

// Packages that publish ES modules only; jest reads CommonJS.
const esModules = [
  '@codemirror',
  '@jupyter',
  '@jupyterlab',
  '@lezer',
  '@marijn',
  '@microsoft',
  'color',
  'exenv-es6',
  'lib0',
  'marked',
  'nanoid',
  'vscode-ws-jsonrpc',
  'y-protocols',
  'yjs'
].join('|');

module.exports = {
  ...jupyterLab,
  modulePathIgnorePatterns: [
    '<rootDir>/.venv/',
    '<rootDir>/build/',
    '<rootDir>/labextension/',
    '<rootDir>/lib/'
  ],
  reporters: ['default'],
  setupFiles: [...jupyterLab.setupFiles, '<rootDir>/jest.setup.cjs'],
  testRegex: 'src/.*\\.spec\\.tsx?$',
  transformIgnorePatterns: [`/node_modules/(?!(${esModules})).+`]
};
