package dev.millrace.spec;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/// Finds the name somebody meant: by edit distance, hyphens and case apart. Pure; any thread.
public final class NearestName {

    private NearestName() {}

    /// @return a hint, "did you mean …?", or an empty text when nothing is near
    public static String hint(String written, Collection<String> known) {
        return of(written, known).map(name -> "did you mean " + name + "?").orElse("");
    }

    static Optional<String> of(String written, Collection<String> known) {
        String plain = plain(written);
        int limit = Math.clamp(plain.length() / 3 + 1, 1, 3);
        return known.stream()
                .filter(name -> distance(plain, plain(name)) <= limit)
                .min(
                        Comparator.<String>comparingInt(name -> distance(plain, plain(name)))
                                .thenComparing(Comparator.naturalOrder()));
    }

    private static String plain(String name) {
        String shortened = name.length() > 64 ? name.substring(0, 64) : name;
        return shortened.replaceAll("[-_. ]", "").toLowerCase(Locale.ROOT);
    }

    private static int distance(String a, String b) {
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
