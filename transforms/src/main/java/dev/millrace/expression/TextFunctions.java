package dev.millrace.expression;

/// PostgreSQL's text functions, in code points. Thread-safe.
public final class TextFunctions {

    private TextFunctions() {}

    static String withoutTrailingBlanks(String text) {
        int end = text.length();
        while (end > 0 && text.charAt(end - 1) == ' ') {
            end--;
        }
        return text.substring(0, end);
    }

    public static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    static String truncated(String text, int length) {
        return length(text) <= length
                ? text
                : text.substring(0, text.offsetByCodePoints(0, length));
    }

    /// The value of an explicit cast to `char(length)`.
    static String padded(String text, int length) {
        String cut = truncated(text, length);
        return cut + " ".repeat(length - length(cut));
    }

    static String trimmedLeft(String text, String characters) {
        int begin = 0;
        while (begin < text.length() && characters.indexOf(text.codePointAt(begin)) >= 0) {
            begin += Character.charCount(text.codePointAt(begin));
        }
        return text.substring(begin);
    }

    static String trimmedRight(String text, String characters) {
        int end = text.length();
        while (end > 0 && characters.indexOf(text.codePointBefore(end)) >= 0) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(0, end);
    }

    static String from(String text, long start) {
        return slice(text, Math.max(start, 1), Long.MAX_VALUE);
    }

    static String from(String text, long start, long length) {
        if (length < 0) {
            throw new RowError("negative substring length not allowed");
        }
        long end = start + length;
        return slice(text, Math.max(start, 1), end > Integer.MAX_VALUE ? Long.MAX_VALUE : end);
    }

    /// Characters from `start`, counted from 1, up to but excluding `end`.
    private static String slice(String text, long start, long end) {
        int length = length(text);
        if (start > length || end <= start) {
            return "";
        }
        int begin = text.offsetByCodePoints(0, (int) start - 1);
        int endOffset =
                end > length ? text.length() : text.offsetByCodePoints(begin, (int) (end - start));
        return text.substring(begin, endOffset);
    }

    static String replaced(String text, String from, String to) {
        return from.isEmpty() ? text : text.replace(from, to);
    }

    /// Compares by code points, which is the order of the bytes in UTF-8.
    static int compare(String left, String right) {
        int shared = Math.min(left.length(), right.length());
        for (int i = 0; i < shared; i++) {
            char a = left.charAt(i);
            char b = right.charAt(i);
            if (a != b) {
                boolean oneIsSurrogate = Character.isSurrogate(a) != Character.isSurrogate(b);
                return oneIsSurrogate ? (Character.isSurrogate(a) ? 1 : -1) : a - b;
            }
        }
        return left.length() - right.length();
    }
}
