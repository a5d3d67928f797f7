package main

import "strings"

// expressions are asked about before any that are generated: what people write,
// and the corners of the language.
var expressions = []string{
	"n > 5 AND s IS NOT NULL", "TAGS = 'a' OR (n BETWEEN 1 AND 5 AND t = TRUE)", "s IN ('a', 'b')", "TAGS IS NOT NULL AND TAGS IN ('a', 'b')",
	"TRUE", "FALSE", "NULL", "true", "1 = 1", "1 = 2", "1 > 0", "", " ", "()", "n", "NOT n", "5", "'a'", "-n", "+n", "(n)", "((n = 1))",

	// The end of an expression is where it stops making sense.
	"n = 1 s = 2", "n = 1)", "n = 1 'x", "n = 1 @", "n = 1 n @", "n LIKE 'x'", "n + 1 > 2", "n = 1;", "n = 1,", "n = 1 -- c", "n = 1 /* c", "n = 1 --",
	"n.x = 1", "n.5 = 1", "n-1 = 2", "n = 1 NOT", "n = 1 AND", "AND", "n AND", "n OR OR s", "n = = 1", "n == 1", "n != 1", "n IS", "n IS NOT", "n IS 5",

	// NOT binds closest.
	"NOT n = 1", "NOT n > 1", "NOT n IS NULL", "NOT n IN ('1')", "NOT s CONTAINS 'a'", "NOT NOT n", "NOT (n = 1)", "NOT NULL", "NOT TRUE", "NOT 1",
	"NOT n = 1 AND s = 'a'", "n NOT = 1", "n NOT NULL", "n NOT n", "NOT -n", "- NOT n = NULL",

	// NULL.
	"n = NULL", "NULL = n", "n <> NULL", "NULL IS NULL", "NULL IS NOT NULL", "5 IS NULL", "'a' IS NOT NULL", "(n = 1) IS NULL", "(n > 1) IS NULL",
	"n IS NULL IS NULL", "n IS NOT NULL IS NOT NULL", "n = -NULL", "-NULL = n", "-s = -n", "n > -NULL", "n = x", "x = n", "n <> x", "n = n", "absent = missing",
	"absent <> missing", "absent = n", "n = absent", "absent <> n", "n <> absent", "absent > 1", "1 > absent", "absent IN ('a')", "absent NOT IN ('a')",
	"absent CONTAINS 'a'", "absent NOT CONTAINS 'a'", "absent BETWEEN 1 AND 2", "absent NOT BETWEEN 1 AND 2", "NULL AND FALSE", "NULL AND TRUE",
	"NULL OR TRUE", "NULL OR FALSE", "NULL OR NULL", "absent = 1 OR n = 1", "absent = 1 AND n = 1", "n = 1 AND absent = 1", "absent",

	// Truths.
	"t = TRUE", "TRUE = t", "t = FALSE", "t <> TRUE", "FALSE <> t", "TRUE = TRUE", "TRUE = FALSE", "TRUE = 1", "1 = TRUE", "'true' = TRUE", "TRUE = 'true'",
	"t = (n = 1)", "(n = 1) = t", "(n = 1) = (s = 'a')", "(n = 1) <> (s = 'a')", "(n = 1) = 1", "1 = (n = 1)", "(n = 1) > 1", "n = 1 = TRUE", "n = s = t",
	"TRUE > FALSE", "t > TRUE", "-(n = 1) = 1", "-(n = 1) > 1", "-(n = 1)", "NOT -(n = 1)", "n > 1 > 0", "n = 5 > 3", "5 > 3 = t", "-TRUE = t",

	// Numbers and texts.
	"n = 5", "n = 5L", "n = 5.0", "n = '5'", "5 = n", "'5' = n", "5.0 = n", "5 = 5.0", "5 = 5L", "5 = '5'", "'5' = 5", "5 = 'a'", "'a' = 5", "5.0 = '5'",
	"n > 5", "n > 5.0", "x > 1", "x > 1.0", "n > 3000000000", "n = 3000000000", "n > -2147483648", "n >= -2147483649", "n > 2147483647", "n > 2147483648",
	"n = -5", "n = - -5", "n = + -5", "n = -(5)", "n = (-5)", "-5 = n", "n > -x", "n > '5'", "'5' > n", "n > x", "x >= $y", "s > n", "s < 'a'",
	"n > 9223372036854775807", "n > 9223372036854775808", "n > -9223372036854775808", "n < -9223372036854775807", "x < 1e308", "x < 1e309", "x > 0.0", "x > -0.5",
	"x > 1e-400", "x > 4.9e-324", "9007199254740993 = 9007199254740992.0", "9007199254740993 = 9007199254740992", "x = 0", "x > 00", "x > 0L", "x > 01", "0.1 = '0.1'",

	// BETWEEN.
	"n BETWEEN 1 AND 5", "n BETWEEN 5 AND 1", "n BETWEEN 5 AND 5", "n BETWEEN -5 AND 1", "n BETWEEN 1 AND -5", "n NOT BETWEEN 1 AND 5", "n NOT BETWEEN 5 AND 1",
	"x BETWEEN 0.5 AND 2", "x BETWEEN 1 AND 2.5", "x BETWEEN 2.5 AND 1", "n BETWEEN x AND $y", "n BETWEEN x AND 5", "5 BETWEEN n AND x", "3 BETWEEN 1 AND 5",
	"3 BETWEEN 5 AND 1", "n BETWEEN '1' AND '5'", "n BETWEEN 1 AND '5'", "n BETWEEN NULL AND 5", "n BETWEEN 1 AND NULL", "n BETWEEN TRUE AND FALSE", "'a' BETWEEN 1 AND 2",
	"n BETWEEN 1 AND 5 AND s = 'a'", "n BETWEEN 1 5", "n BETWEEN 1 OR 5", "(n = 1) BETWEEN 1 AND 2", "-(n BETWEEN 1 AND 2) BETWEEN 3 AND 4",
	"n NOT BETWEEN 1 AND 5 OR s = 'a'", "n BETWEEN absent AND 5", "n BETWEEN 5 AND absent", "n BETWEEN absent AND s", "n NOT BETWEEN absent AND 5",

	// IN.
	"s IN ('a')", "s IN ('a', 'b', 'c', 'd', 'e', 'f', 'ab')", "s NOT IN ('a', 'b')", "n IN ('1', '5')", "n IN (1, 5)", "s IN ()", "s IN 'a'", "s IN ('a'", "s IN ('a',)",
	"s IN (a)", "'a' IN ('a')", "(s) IN ('a')", "+s IN ('a')", "-s IN ('a')", "s IN ('a') = TRUE", "TRUE = s IN ('a')", "s IN ('a', 'a', 'a', 'b', 'b', 'c')",
	"s IN ('')", "s NOT IN ('')", "NULL IN ('a')", "s IN ('it''s')", "s IN ('日本', 'été')", "s IN (NULL)",

	// CONTAINS and its like.
	"s CONTAINS 'a'", "s NOT CONTAINS 'a'", "s CONTAINS ''", "s NOT CONTAINS ''", "s STARTSWITH 'a'", "s NOT STARTSWITH 'a'", "s STARTSWITH ''", "s NOT STARTSWITH ''",
	"s ENDSWITH 'c'", "s NOT ENDSWITH 'c'", "s ENDSWITH ''", "s NOT ENDSWITH ''", "s CONTAINS a", "s CONTAINS 5", "s CONTAINS NULL", "s CONTAINS ('a')", "'abc' CONTAINS 'b'",
	"5 CONTAINS '5'", "TRUE CONTAINS 'TRUE'", "NULL CONTAINS 'a'", "NULL NOT CONTAINS 'a'", "5 NOT CONTAINS '5'", "(n = 1) CONTAINS 'true'", "(n = 1) NOT CONTAINS 'true'",
	"s contains 'B'", "s CONTAINS 'a' CONTAINS 'b'", "s CONTAINS '本'", "s STARTSWITH '日'", "s ENDSWITH 'é'", "s CONTAINS ''''", "-s CONTAINS 'a'", "s CONTAINS 'a' = t",
	"s IS CONTAINS 'a'", "s NOT NOT CONTAINS 'a'",

	// Texts, names and comments.
	"s = 'a", "s = a'", "s = ''", "s = ''''", "s = 'it''s'", "s = 'it'''", "s = 'it''", "s = 'a''b", "s = 'a'''b'", "s = \"a\"", "s = 'x\ny'", "s = '--'", "s = '/*'",
	"$y > 1", "Not_a = 'a'", "not_a = 'a'", "NOT_A = 'a'", "ANDy = 'a'", "_ = 'a'", "$ = 'a'", "é = 'a'", "s = 'é'", "\u212aey = 'a'", "\uff11 = 1", "s\u00a0= 'a'", "\ufeffs = 'a'",
	"s/**/=/***/'a'", "s /* * / */ = 'a'", "s /*/ = 'a'", "s /**/ = 'a'", "s --\n= 'a'", "s --\r= 'a'", "s -- = 'a'", "- -n = 1", "--n = 1\n", "--c\nn = 1", "n = --5", "n = --5\n5",
	"n=5", "n<5", "n<-5", "n<>5", "n< >5", "n>=5", "n> =5", "n=>5", "n<=-x", "s='a'OR n=5", "nOR s='a'", "5<n", "1<2", "'a'='a'", "n=5AND s='a'", "n=5.AND s='a'", "n=5eAND", "n=5L AND s='a'", "n=5LAND s='a'",

	// What cannot be compared ends it all, unless it is not reached.
	"s = 5", "s > 5", "s = 5 OR TRUE", "TRUE OR s = 5", "s = 5 AND FALSE", "FALSE AND s = 5", "NOT (s = 5)", "(s = 5) IS NULL", "NULL AND s = 5", "NULL OR s = 5",
	"n > 100 AND s = 5", "n < 100 OR s = 5", "absent > -(s = 5)", "absent = -(s = 5)", "-(s = 5) > absent", "(s = 5) CONTAINS 'a'", "(s = 5) CONTAINS ''", "(s = 5) NOT ENDSWITH ''", "(s = 5) = absent", "n BETWEEN 100 AND s",
	"n BETWEEN s AND 5", "n NOT BETWEEN -100 AND s", "s BETWEEN 1 AND 2", "absent BETWEEN 1 AND -(s = 5)", "n BETWEEN -(s = 5) AND 2",

	// Depth and length.
	strings.Repeat("(", 60) + "n = 1" + strings.Repeat(")", 60),
	strings.Repeat("NOT ", 60) + "n", strings.Repeat("- ", 60) + "5 = n", strings.Repeat("+ ", 60) + "5 = n", strings.Repeat("NOT (", 50) + "n = 1" + strings.Repeat(")", 50),
	"n = 1" + strings.Repeat(" OR n = 7", 60), "n <> 1" + strings.Repeat(" AND n <> 7", 60), "n" + strings.Repeat(" IS NULL", 60), "n = 1" + strings.Repeat(" = TRUE", 60),
	"s IN ('a'" + strings.Repeat(", 'x'", 60) + ")", "n = 1 OR s = '" + strings.Repeat("x", 500) + "'",
}
