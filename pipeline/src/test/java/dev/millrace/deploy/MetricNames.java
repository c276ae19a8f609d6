package dev.millrace.deploy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Checks the text of a scrape against Prometheus' rules for names and units, and that no label can
/// have any number of values.
public final class MetricNames {

    private static final Pattern LINE = Pattern.compile("# (HELP|TYPE) (\\S+) (.+)");
    private static final Pattern SAMPLE = Pattern.compile("([a-zA-Z_:][\\w:]*)(\\{.*})? \\S+");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\"");

    /// Whose metrics Millrace names itself.
    private static final Pattern OURS =
            Pattern.compile("(millrace|kafka|debezium|hikaricp)_[a-z0-9_]+");

    private static final Pattern NO_BASE_UNIT =
            Pattern.compile(
                    "_(ms|millis|milliseconds|minutes|hours|days|kb|mb|kib|mib|percent)(_|$)");

    /// Values are of the migration file, of the program, or of the two servers.
    private static final Set<String> BOUNDED =
            Set.of(
                    "certificate",
                    "client",
                    "condition",
                    "migration",
                    "part",
                    "partition",
                    "phase",
                    "pool",
                    "server",
                    "side",
                    "source",
                    "target",
                    "topic",
                    "verdict",
                    "version");

    /// A number or an identifier that another start of the process would change.
    private static final Pattern CHANGING = Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}|-\\d+$");

    private MetricNames() {}

    public static List<String> check(String scrape) {
        Map<String, String> helps = new HashMap<>();
        Map<String, String> types = new HashMap<>();
        Set<String> findings = new TreeSet<>();
        for (String line : scrape.lines().toList()) {
            Matcher about = LINE.matcher(line);
            if (about.matches()) {
                (about.group(1).equals("HELP") ? helps : types).put(about.group(2), about.group(3));
                continue;
            }
            Matcher sample = SAMPLE.matcher(line);
            if (!sample.matches()) {
                findings.add("not a sample: " + line);
            } else if (OURS.matcher(sample.group(1)).matches()) {
                String name = sample.group(1);
                findings.addAll(problems(name, helps.get(name), types.get(name)));
                if (sample.group(2) != null) {
                    findings.addAll(labels(name, sample.group(2)));
                }
            }
        }
        return List.copyOf(findings);
    }

    private static List<String> problems(
            String name, @Nullable String help, @Nullable String type) {
        List<String> problems = new ArrayList<>();
        if (help == null || type == null) {
            problems.add(name + " has no HELP or no TYPE");
            return problems;
        }
        if (type.equals("counter") != name.endsWith("_total")) {
            problems.add(name + " is a " + type);
        }
        if (NO_BASE_UNIT.matcher(name).find()) {
            problems.add(name + " has no base unit");
        }
        if (help.matches("(?i)(seconds|time|age|mean time|longest)\\b.*")
                && !name.endsWith("_seconds")) {
            problems.add(name + " is a time, and its name does not say seconds");
        }
        if (help.matches("(?i)(bytes|size)\\b.*") && !name.contains("_bytes")) {
            problems.add(name + " is a size, and its name does not say bytes");
        }
        return problems;
    }

    private static List<String> labels(String name, String text) {
        List<String> problems = new ArrayList<>();
        Matcher label = LABEL.matcher(text);
        while (label.find()) {
            if (!BOUNDED.contains(label.group(1))) {
                problems.add(name + " has the label " + label.group(1));
            }
            if (label.group(1).equals("client") && CHANGING.matcher(label.group(2)).find()) {
                problems.add(name + " has the changing client " + label.group(2));
            }
        }
        return problems;
    }
}
