package dev.millrace.spec;

import dev.millrace.spec.MigrationSpec.TableEntry;
import java.util.ArrayList;
import java.util.List;

/// The fingerprint of what a file means for the target, in whatever order it says so.
final class SpecHash {

    private SpecHash() {}

    static String of(MigrationSpec spec) {
        List<String> parts = new ArrayList<>();
        parts.add(spec.migration());
        spec.tables().stream().map(SpecHash::meaning).sorted().forEach(parts::add);
        return Fingerprint.of(parts);
    }

    private static String meaning(TableEntry entry) {
        List<String> parts = new ArrayList<>();
        switch (entry) {
            case TableEntry.Select select -> {
                parts.add("select");
                parts.add(select.target().schema());
                parts.add(select.target().name());
                parts.add(select.select().strip());
                parts.addAll(select.key());
            }
            case TableEntry.Wildcard wildcard -> {
                parts.add("wildcard");
                parts.add(wildcard.targetSchema());
                parts.add(wildcard.sourceSchema());
            }
        }
        return Fingerprint.joined(parts);
    }
}
