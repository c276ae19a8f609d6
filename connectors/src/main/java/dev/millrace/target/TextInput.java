package dev.millrace.target;

/// The SQL expression that turns a text into a value of one column. The text's place is between two
/// parts and not marked inside of one: names of types may contain any character.
record TextInput(String before, String after) {

    String of(String text) {
        return before + text + after;
    }
}
