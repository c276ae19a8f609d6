package dev.millrace.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// One entry of the demo's `tables:` section, read independently of the product's reader.
record TableText(String target, String select) {

    private static final Pattern ENTRY =
            Pattern.compile(
                    "(?m)^ {2}([a-z_]+\\.[a-z_]+): (?:\\|\\n((?: {4}.*\\n)+)|(SELECT .*)\\n)");

    static List<TableText> of(String yaml) {
        List<TableText> tables = new ArrayList<>();
        Matcher entry = ENTRY.matcher(yaml);
        while (entry.find()) {
            String select = entry.group(2) == null ? entry.group(3) : entry.group(2);
            tables.add(new TableText(entry.group(1), select.strip()));
        }
        return tables;
    }
}
