package dev.millrace.hint;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/// Finds the name somebody meant: by what the two share and by edit distance; case and what stands
/// between words don't count. Pure; any thread.
public final class NearestName {

    private static final int LONGEST = 64;

    /// Shorter ones are in many names by chance.
    private static final int SHORTEST_BEGINNING = 3;

    private static final int SHORTEST_PART = 4;

    private NearestName() {}

    /// @return a hint, "did you mean …?", or an empty text when nothing is near
    public static String hint(String written, Collection<String> known) {
        return of(written, known).map(name -> "did you mean " + name + "?").orElse("");
    }

    /// Of names as near as each other, the one with the fewest letters to change, then the first in
    /// the alphabet.
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
        String shortened = name.length() > LONGEST ? name.substring(0, LONGEST) : name;
        return shortened.replaceAll("[-_. ]", "").toLowerCase(Locale.ROOT);
    }

    private static int distance(String a, String b) {
        if (a.isEmpty() || b.isEmpty()) {
            return Integer.MAX_VALUE;
        }
        if (a.equals(b)) {
            return 0;
        }
        if (isBeginning(a, b) || isBeginning(b, a)) {
            return 1;
        }
        if (isPart(a, b) || isPart(b, a)) {
            return 2;
        }
        return edits(a, b);
    }

    private static boolean isBeginning(String beginning, String name) {
        return beginning.length() >= SHORTEST_BEGINNING && name.startsWith(beginning);
    }

    private static boolean isPart(String part, String name) {
        return part.length() >= SHORTEST_PART && name.contains(part);
    }

    /// Letters to insert, delete or replace.
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
