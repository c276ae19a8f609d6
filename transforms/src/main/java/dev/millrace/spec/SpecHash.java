package dev.millrace.spec;

import dev.millrace.spec.MigrationSpec.TableEntry;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/// SHA-256 of what a file means for the target. Each part has its length before it, so no two
/// meanings share their bytes.
final class SpecHash {

    private SpecHash() {}

    static String of(MigrationSpec spec) {
        StringBuilder meaning = new StringBuilder();
        part(meaning, spec.migration());
        List<String> tables = spec.tables().stream().map(SpecHash::meaning).sorted().toList();
        tables.forEach(table -> part(meaning, table));
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            return HexFormat.of()
                    .formatHex(digest.digest(meaning.toString().getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static String meaning(TableEntry entry) {
        StringBuilder meaning = new StringBuilder();
        switch (entry) {
            case TableEntry.Select select -> {
                part(meaning, "select");
                part(meaning, select.target().schema());
                part(meaning, select.target().name());
                part(meaning, select.select().strip());
                select.key().forEach(column -> part(meaning, column));
            }
            case TableEntry.Wildcard wildcard -> {
                part(meaning, "wildcard");
                part(meaning, wildcard.targetSchema());
                part(meaning, wildcard.sourceSchema());
            }
        }
        return meaning.toString();
    }

    private static void part(StringBuilder meaning, String part) {
        meaning.append(part.length()).append(':').append(part);
    }
}
