// Package filter decides which messages a consumer wants: by a list of tags, or by
// an SQL92 expression over a message's properties. It is pure, and the one place
// where both are defined.
//
// An SQL92 expression means what it means to Apache RocketMQ 5.x, with the quirks
// (docs/filters.md has the language, and the few differences). It goes through a
// lexer (sql_lex.go) and a parser (sql_parse.go) that builds a tree and checks it
// (sql_tree.go); the tree is compiled to a flat program (sql_compile.go), which
// is evaluated over the stored text of the properties (sql_eval.go). How values are
// compared is in sql_value.go, and how Java reads a number in sql_number.go.
package filter
