package dev.millrace.select;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/// Finds the name that was probably meant.
final class NearestName {

    private static final int LONGEST = 63;

    private NearestName() {}

    /// A question to the user, or nothing when no name is near.
    static String hint(String name, Collection<String> names) {
        return of(name, names).map(near -> "did you mean " + near + "?").orElse("");
    }

    static Optional<String> of(String name, Collection<String> names) {
        int furthest = name.length() < 4 ? 1 : Math.max(2, Math.min(name.length(), LONGEST) / 3);
        return names.stream()
                .filter(other -> distance(name, other) <= furthest)
                .min(Comparator.comparingInt(other -> distance(name, other)));
    }

    /// Letters to insert, delete or replace, whatever their case.
    private static int distance(String one, String other) {
        String a = one.toLowerCase(Locale.ROOT).replace("_", "");
        String b = other.toLowerCase(Locale.ROOT).replace("_", "");
        if (a.startsWith(b) || b.startsWith(a)) {
            return 1;
        }
        if (a.length() >= 4 && b.contains(a) || b.length() >= 4 && a.contains(b)) {
            return 2;
        }
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(change, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
