package dev.millrace.problem;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/// Suggests the known name that is closest to a misspelled one, by common parts and edit distance.
/// Ignores case and separators. Pure; thread-safe.
public final class NearestName {

    private static final int MAX_LENGTH = 64;

    /// Shorter prefixes match many names by chance.
    private static final int MIN_PREFIX = 3;

    private static final int MIN_PART = 4;

    private NearestName() {}

    /// @return "did you mean …?", or an empty text when no name is close
    public static String hint(String written, Collection<String> known) {
        return of(written, known).map(name -> "did you mean " + name + "?").orElse("");
    }

    /// Among equally close names, the one with the smallest edit distance, then the first in
    /// alphabetical order.
    public static Optional<String> of(String written, Collection<String> known) {
        String plain = plain(written);
        int limit = plain.length() < 4 ? 1 : Math.clamp(plain.length() / 3, 2, 3);
        return known.stream()
                .filter(name -> distance(plain, plain(name)) <= limit)
                .min(
                        Comparator.<String>comparingInt(name -> distance(plain, plain(name)))
                                .thenComparingInt(name -> edits(plain, plain(name)))
                                .thenComparing(Comparator.naturalOrder()));
    }

    private static String plain(String name) {
        String shortened = name.length() > MAX_LENGTH ? name.substring(0, MAX_LENGTH) : name;
        return shortened.replaceAll("[-_. ]", "").toLowerCase(Locale.ROOT);
    }

    private static int distance(String a, String b) {
        if (a.isEmpty() || b.isEmpty()) {
            return Integer.MAX_VALUE;
        }
        if (a.equals(b)) {
            return 0;
        }
        if (isPrefix(a, b) || isPrefix(b, a)) {
            return 1;
        }
        if (isPart(a, b) || isPart(b, a)) {
            return 2;
        }
        return edits(a, b);
    }

    private static boolean isPrefix(String prefix, String name) {
        return prefix.length() >= MIN_PREFIX && name.startsWith(prefix);
    }

    private static boolean isPart(String part, String name) {
        return part.length() >= MIN_PART && name.contains(part);
    }

    /// The number of letters to insert, delete or replace.
    private static int edits(String a, String b) {
        int[] previous = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] current = new int[b.length() + 1];
            current[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int change = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(change, Math.min(previous[j], current[j - 1]) + 1);
            }
            previous = current;
        }
        return previous[b.length()];
    }
}
