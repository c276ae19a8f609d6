package dev.millrace.sql;

/// Why a SELECT can't be taken, at its place.
///
/// @param offset where it stands in the SELECT's text, from 0
/// @param line counted from 1
/// @param column counted from 1
/// @param message what can't be taken, and why
/// @param instead what could be written or done instead; empty when there is nothing to say
public record SelectProblem(int offset, int line, int column, String message, String instead) {

    static SelectProblem at(String text, int offset, String message, String instead) {
        int line = 1;
        int lineStart = 0;
        int end = Math.min(offset, text.length());
        for (int i = 0; i < end; i++) {
            if (text.charAt(i) == '\n') {
                line++;
                lineStart = i + 1;
            }
        }
        int column = text.codePointCount(lineStart, end) + 1;
        return new SelectProblem(offset, line, column, message, instead);
    }
}
