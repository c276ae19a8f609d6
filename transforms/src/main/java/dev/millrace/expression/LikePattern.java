package dev.millrace.expression;

/// Matches LIKE as PostgreSQL does (like_match.c), including its errors: a pattern that ends in its
/// escape character fails only when matching reaches that character. Not thread-safe; used for one
/// match.
final class LikePattern {

    private enum Match {
        YES,
        NO,
        /// No match at any later start is possible.
        NEVER
    }

    private final int[] text;
    private final int[] pattern;

    private LikePattern(int[] text, int[] pattern) {
        this.text = text;
        this.pattern = pattern;
    }

    static boolean matches(String text, String pattern) {
        LikePattern like =
                new LikePattern(text.codePoints().toArray(), pattern.codePoints().toArray());
        return like.match(0, 0) == Match.YES;
    }

    /// Replaces the escape character `escape` of the pattern by the backslash.
    static String escaped(String pattern, String escape) {
        if (escape.isEmpty()) {
            return pattern.replace("\\", "\\\\");
        }
        if (escape.codePointCount(0, escape.length()) > 1) {
            throw new RowError("invalid escape string");
        }
        int escapeCharacter = escape.codePointAt(0);
        if (escapeCharacter == '\\') {
            return pattern;
        }
        StringBuilder result = new StringBuilder();
        boolean afterEscape = false;
        for (int c : pattern.codePoints().toArray()) {
            if (c == escapeCharacter && !afterEscape) {
                result.append('\\');
                afterEscape = true;
            } else {
                if (c == '\\' && !afterEscape) {
                    result.append('\\');
                }
                result.appendCodePoint(c);
                afterEscape = false;
            }
        }
        return result.toString();
    }

    private Match match(int textFrom, int patternFrom) {
        int t = textFrom;
        int p = patternFrom;
        if (pattern.length - p == 1 && pattern[p] == '%') {
            return Match.YES;
        }
        while (t < text.length && p < pattern.length) {
            if (pattern[p] == '%') {
                return afterPercent(t, p + 1);
            }
            if (pattern[p] == '\\') {
                p = escapedAt(p);
                if (pattern[p] != text[t]) {
                    return Match.NO;
                }
            } else if (pattern[p] != '_' && pattern[p] != text[t]) {
                return Match.NO;
            }
            t++;
            p++;
        }
        if (t < text.length) {
            return Match.NO;
        }
        while (p < pattern.length && pattern[p] == '%') {
            p++;
        }
        return p == pattern.length ? Match.YES : Match.NEVER;
    }

    private Match afterPercent(int textFrom, int patternFrom) {
        int t = textFrom;
        int p = patternFrom;
        while (p < pattern.length && (pattern[p] == '%' || pattern[p] == '_')) {
            if (pattern[p] == '_') {
                if (t >= text.length) {
                    return Match.NEVER;
                }
                t++;
            }
            p++;
        }
        if (p == pattern.length) {
            return Match.YES;
        }
        int first = pattern[p] == '\\' ? pattern[escapedAt(p)] : pattern[p];
        for (; t < text.length; t++) {
            if (text[t] == first) {
                Match matched = match(t, p);
                if (matched != Match.NO) {
                    return matched;
                }
            }
        }
        return Match.NEVER;
    }

    private int escapedAt(int p) {
        if (p + 1 >= pattern.length) {
            throw new RowError("LIKE pattern must not end with escape character");
        }
        return p + 1;
    }
}
