package main

// property is a property with the values it mostly has, and numbers to compare
// them with.
type property struct {
	name    string
	values  []string
	numbers []string
}

var propertyNames = []property{
	{"n", wholes, wholeNumbers},
	{"count_2", wholes, wholeNumbers},
	{"x", fractions, fractionNumbers},
	{"$y", fractions, fractionNumbers},
	{"s", names, wholeNumbers},
	{"TAGS", names, wholeNumbers},
	{"t", truths, wholeNumbers},
	{"Not_a", []string{"a", "1", "true"}, wholeNumbers},
}

var (
	wholes       = []string{"0", "1", "2", "3", "5", "7", "10", "-1", "-5", "+3", "007"}
	wholeNumbers = []string{"0", "1", "2", "3", "5", "7", "10", "3L", "5l", "2.0", "3.5"}

	fractions       = []string{"0.5", "1.5", "2.0", "2", "-0.5", "1e1", "-1.5", "3.25", ".5", "5.", "10"}
	fractionNumbers = []string{"0.5", "1.5", "2.0", "1e1", "3.25", ".5", "5.", "2", "10", "1E+1", "25e-1"}

	names  = []string{"a", "b", "ab", "abc", "A", "it's", "hello world", "日本", "b c", "''", "x\ny", "été"}
	truths = []string{"true", "false", "TRUE", "False", "tRuE", "yes", "1"}
)

// wildValues may stand for anything.
var wildValues = []string{
	"", " ", " 5", "5 ", "\t2\n", "2147483647", "2147483648", "-2147483648", "-2147483649",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
	"9007199254740993", "1e309", "-1e309", "1e-400", "4.9e-324", "1.7976931348623157e308", "NaN", "-NaN", "nan", "Infinity",
	"-Infinity", "+Infinity", "inf", "1e", "1e+", ".", "-", "+", "--1", "+-1", "1_000", "1,000", "0x10", "0x1p4", "0X1.8P1",
	"0x.8p1", "0x.p1", "0x1.p1", "0x1p1f", "1f", "1d", "1F", "2.5D", "5L", "NaNd", "Infinityf", "1e5f", "-0", "-0.0", "0.0", "0",
	"٣", "１２", "-५", "1٣", "𝟙", "٣.٥", "true ", " true", "null", "NULL", "TRUE", "00000000000000000000000000000000000000005",
	"0.1", "0.30000000000000004", "1.0000000000000000000000000000000000000000000000000000001", "100000000000000000000", "\u00a05",
	"5\x00", "2.2250738585072012e-308", "123456789012345678", "16777217", "a\x01b", "'", "a'b", "%", "\u2028", "\U0001F600",
}

// wildNumbers are numbers, and what looks like some.
var wildNumbers = []string{
	"2147483647", "2147483648", "2147483648L", "9223372036854775807", "9223372036854775808", "9223372036854775807L", "0L", "00", "012", "012.5",
	"0.0", "0e5", ".0", "1e309", "1e-400", "4.9e-324", "1e308", "1.7976931348623157e308", "1e", "1e+", "1.e3", ".5e1", "5.e-1", "1.2.3", "1l2",
	"0x10", "1f", "1d", "9007199254740993", "9007199254740993.0", "100000000000000000000.0", "1e5L", "16777217", "0012e1", "00.5", "0e0",
}

var keywords = []string{
	"NOT", "AND", "OR", "BETWEEN", "IN", "TRUE", "FALSE", "NULL", "IS", "CONTAINS", "STARTSWITH", "ENDSWITH",
}

var signs = []string{
	"=", "<>", "<", "<=", ">", ">=", "(", ")", ",", "+", "-", "--", "!=", "==", "&&", "||", "*", "/", "%", ".", ";", "\"a\"", "LIKE", "'", "''", "/*",
}

var wildRunes = []rune("'\"-/*(),.;!=<>&|0159eElLaZ_$ \t\n\r\f\v\u00a0\u0000\u0130\u017f\u212a\uff11é日\U0001F600\ufeff")
