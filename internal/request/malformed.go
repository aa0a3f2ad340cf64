package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth is how deep encoding/json lets values be nested.
const maxDepth = 10_000

// malformed returns where data ceases to be JSON, the likely cause, and what to do about it;
// nothing if data is JSON. It repeats nothing of data.
func malformed(data []byte) string {
	at, ok := faultOffset(data)
	if ok {
		return ""
	}
	f := findFault(data, at)
	line, column := position(data, f.at)
	return fmt.Sprintf("The request is not valid JSON in line %d, column %d: %s.", line, column, f.cause())
}

// faultOffset returns the index of the first character that no JSON text has there, or the
// length of data if it is cut off.
func faultOffset(data []byte) (at int, ok bool) {
	offset := func(data []byte) int {
		var value json.RawMessage
		var syntax *json.SyntaxError
		if errors.As(json.Unmarshal(data, &value), &syntax) {
			return int(syntax.Offset)
		}
		return -1
	}
	at = offset(data)
	if at < 0 {
		return 0, true
	}
	// At the end the parser reports the last character, whether it is wrong or only the last.
	if at == len(data) && offset(append(slices.Clip(data), 0)) > at {
		return at, false
	}
	return max(0, at-1), false
}

// position returns the line and the column of data[at], in characters, from 1.
func position(data []byte, at int) (line, column int) {
	start := bytes.LastIndexByte(data[:at], '\n') + 1
	return bytes.Count(data[:at], []byte("\n")) + 1, utf8.RuneCount(data[start:at]) + 1
}

// syntaxFault is a place at which data ceases to be JSON.
type syntaxFault struct {
	data []byte
	at   int
	// inString reports whether the place is in a string.
	inString bool
	// before is the last character before the place that is no white space. A string, which
	// afterString reports, is one such character; opener is what is before it.
	before, opener byte
	afterString    bool
	depth          int
}

// findFault describes the place at data[at]. Before it, data is JSON.
func findFault(data []byte, at int) syntaxFault {
	f := scan(data, at)
	for !f.inString && at > 0 && at < len(data) && isLetter(data[at]) && isLetter(data[at-1]) {
		at-- // To the start of the word: nil and null have the same first letter.
	}
	if start := len(data) - len(bytes.TrimLeft(data, " \t\r\n")); start < at && !bytes.ContainsRune([]byte(`{["`), rune(data[start])) {
		at = start // It is something else from the start.
	}
	return scan(data, at)
}

// scan reads data up to data[at].
func scan(data []byte, at int) syntaxFault {
	f := syntaxFault{data: data, at: at}
	for i := 0; i < at; i++ {
		switch c := data[i]; c {
		case ' ', '\t', '\r', '\n':
			continue
		case '"':
			if i = endOfString(data[:at], i+1); i >= at {
				f.inString = true
				return f
			}
			f.opener, f.before, f.afterString = f.before, c, true
		default:
			f.before, f.afterString = c, false
			f.depth += map[byte]int{'{': 1, '[': 1, '}': -1, ']': -1}[c]
		}
	}
	return f
}

// endOfString returns the index of the quotation mark that ends the string that begins at
// data[i], or the length of data.
func endOfString(data []byte, i int) int {
	for ; i < len(data) && data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return min(i, len(data))
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

var (
	// yamlStart and formStart are how YAML and a form begin.
	yamlStart = regexp.MustCompile(`^\s*(---|- |[\w"'-]+[ \t]*:(\s|$))`)
	formStart = regexp.MustCompile(`^\s*[\w.%+-]+=`)
	// nextMember begins where a string is followed by a colon.
	nextMember = regexp.MustCompile(`^"[^"\\]*"\s*:`)
	// foreignWords are the constants of other languages, and what JSON has for them.
	foreignWords = map[string]string{
		"True": "true", "False": "false", "None": "null", "TRUE": "true", "FALSE": "false", "NULL": "null", "Null": "null",
		"nil": "null", "undefined": "null", "yes": "true", "no": "false", "Yes": "true", "No": "false", "NaN": "null", "Infinity": "null",
	}
)

// Causes with the same text wherever they are found.
const (
	escapedTwice = "its quotation marks are escaped once too often. Send the JSON itself, not its escaped text"
	hasComment   = "it has a comment, which JSON does not know. Remove it"
)

// cause returns the likely cause, and what to do about it.
func (f syntaxFault) cause() string {
	rest := f.data[f.at:]
	next, _ := utf8.DecodeRune(rest)
	switch {
	case len(rest) == 0 && f.inString:
		return "it is cut off in the middle of a string, or a quotation mark is missing. Send it whole"
	case len(rest) == 0:
		return "it is cut off, or a closing bracket is missing. Send it whole"
	case f.inString:
		return f.causeInString(next)
	case f.depth >= maxDepth:
		return "it is nested too deeply. Send one flat object"
	case f.before == 0:
		return f.causeAtStart(next)
	case f.depth == 0:
		return f.causeAfterObject(next)
	case strings.ContainsRune("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u2032\u2033", next):
		return "it has a curly quotation mark, as word processors and chats write it. Use straight ones (\")"
	case next == '\'' || next == '`':
		return "it has a single quotation mark around a text. Use double ones (\")"
	case next == '/' || next == '#':
		return hasComment
	case next == '\\' || bytes.HasPrefix(rest, []byte("&quot;")):
		return escapedTwice
	case bytes.HasPrefix(rest, []byte("{")) && f.before == '{':
		return "it has a placeholder of a template ({{…}}) that was not filled in. Correct the template of the sender"
	case f.before == ',' && (next == '}' || next == ']'):
		return "it has a comma before a closing bracket. Remove the comma"
	case f.before == ',' && next == ',':
		return "it has two commas in a row. Remove one"
	case f.afterString:
		return f.causeAfterString(next)
	case f.before == ':' && (next == ',' || next == '}'):
		return "a value is missing. Give one, or remove the field"
	}
	return f.causeOfWord(next)
}

// causeAtStart returns why a text is not JSON from its first character.
func (f syntaxFault) causeAtStart(next rune) string {
	switch {
	case yamlStart.Match(f.data):
		return "it looks like YAML. Send one JSON object"
	case formStart.Match(f.data):
		return "it looks like a form. Send one JSON object"
	case next == '\\' || next == '&':
		return escapedTwice
	case next == '/' || next == '#':
		return hasComment
	}
	return "it does not begin as JSON does. Send one JSON object, which begins with {"
}

// causeAfterObject returns what is wrong with what follows a whole value.
func (f syntaxFault) causeAfterObject(next rune) string {
	switch next {
	case '{', ',':
		return "another object follows. Send one object for each request"
	case '}', ']':
		return "it has a closing bracket too many. Remove it"
	}
	return "something follows the end of the object. Send only the object"
}

// causeInString returns what is wrong with a string.
func (f syntaxFault) causeInString(next rune) string {
	const template = `, as a template of the sender may put it there. Let the sender escape it as `
	switch {
	case next == '\n' || next == '\r':
		return "a string has a raw line break in it" + template + `\n`
	case next == '\t':
		return "a string has a raw tab in it" + template + `\t`
	case unicode.IsControl(next):
		return "a string has a raw control character in it" + template + `\u00XX`
	}
	return `a string has a backslash with no meaning in it. Write a backslash as \\`
}

// causeAfterString returns what is wrong with what follows a string.
func (f syntaxFault) causeAfterString(next rune) string {
	isName := f.opener == '{' || f.opener == ',' // Or an item of an array, which no request has.
	adjacent := f.data[f.at-1] == '"'
	switch {
	case next == '"' && !adjacent && isName, isName && next == '=':
		return "a colon is missing. Put one between the name and its value"
	case next == '"' && (!adjacent || nextMember.Match(f.data[f.at:])):
		return "a comma is missing. Put one between the fields"
	case isName && (next == ',' || next == '}'):
		return "a name has no value. Put a colon and the value after it"
	}
	return `a string ends too early, probably because of a quotation mark in it. Write a quotation mark within a string as \"`
}

// causeOfWord returns what is wrong with a word or a number that JSON does not know.
func (f syntaxFault) causeOfWord(next rune) string {
	end := f.at
	for end < len(f.data) && isLetter(f.data[end]) {
		end++
	}
	word := string(f.data[f.at:end])
	value, foreign := foreignWords[word]
	switch {
	case f.before == ':' && foreign:
		return fmt.Sprintf("it has %s, which JSON writes as %s", word, value)
	case f.before == ':' && unicode.IsLetter(next):
		return `a text is without quotation marks. Put it in double ones (")`
	case (f.before == '{' || f.before == ',') && (unicode.IsLetter(next) || next == '_'):
		return `a name is without quotation marks. Put it in double ones (")`
	}
	return "there is a character that JSON does not have there. Check the JSON near it"
}
