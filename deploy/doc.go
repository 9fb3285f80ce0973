// Package deploy holds what deploys loanscorer and the tests of it: rules over
// every resource of template.yaml, in the form that AWS makes of it, which
// linters do not know, and mutations of the template that show that the rules
// can fail. It has no code of its own.
//
//	template.yaml -> translate.py -> testdata/translated.json -> rules
//
// `make deploy-check` translates anew, and runs cfn-lint and these tests.
package deploy
