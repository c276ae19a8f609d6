package dev.millrace.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.migration.Phase;
import dev.millrace.runbook.RunbookWriter;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Compares the runbooks with the alert rules, the phases, the commands and the metrics.
class RunbooksTest {

    private static final Checkout REPOSITORY = Checkout.repository();
    private static final Path CHECKOUT = REPOSITORY.root();
    private static final Path RUNBOOKS = CHECKOUT.resolve("docs/runbooks");
    private static final String INDEX = "README";

    /// Pages about an operation; the ends of a migration are no phases of a running service.
    private static final Set<String> OPERATIONS = Set.of("rollback", "complete", "abort");

    private static final List<String> ALERT_SECTIONS =
            List.of("Meaning", "Impact", "Check", "Fix", "Escalate");
    private static final List<String> FIELDS =
            List.of(
                    "Change",
                    "Owner",
                    "Risk",
                    "Tables",
                    "Versions",
                    "Flags",
                    "Canary",
                    "Metrics",
                    "Rollback",
                    "Stop conditions",
                    "Clean-up");
    private static final Pattern METRIC = Pattern.compile("\\bmillrace_[a-z_]*[a-z]\\b(?!\\\\)");

    /// The login of comparisons in the examples.
    private static final Set<String> ROLES = Set.of("millrace_reconcile");

    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#:]+)(?:#[^)]*)?\\)");

    @Test
    void everyAlertHasAPageAndEveryPageBelongsToAnAlertOrAPhase() throws IOException {
        Set<String> expected = new TreeSet<>(OPERATIONS);
        expected.add(INDEX);
        expected.addAll(alerts().keySet());
        phases().forEach(phase -> expected.add("phase-" + phase));

        Set<String> pages = pages().keySet();

        assertThat(difference(expected, pages))
                .as(
                        "alerts and phases without a page: write docs/runbooks/NAME.md with the"
                                + " sections of the other pages")
                .isEmpty();
        assertThat(difference(pages, expected))
                .as("pages in docs/runbooks that belong to no alert and no phase: remove them")
                .isEmpty();
    }

    @Test
    void everyAlertsPageHasItsSeverityAndTheSections() throws IOException {
        Map<String, String> pages = pages();
        alerts().forEach(
                        (alert, severity) -> {
                            String page = pages.getOrDefault(alert, "");
                            assertThat(page)
                                    .as("docs/runbooks/" + alert + ".md")
                                    .startsWith("# " + alert + "\n\nSeverity: " + severity + "\n");
                            assertThat(sections(page))
                                    .as("sections of docs/runbooks/" + alert + ".md")
                                    .isEqualTo(ALERT_SECTIONS);
                        });
    }

    @Test
    void everyPageOfAPhaseHasEveryFieldOfTheTemplate() throws IOException {
        Map<String, String> pages = pages();
        pages.keySet().removeAll(alerts().keySet());
        pages.remove(INDEX);
        pages.forEach(
                (name, page) -> {
                    assertThat(
                                    Pattern.compile("(?m)^\\| ([A-Z][^|]*?) \\|")
                                            .matcher(page)
                                            .results()
                                            .map(field -> field.group(1))
                                            .toList())
                            .as("fields of docs/runbooks/" + name + ".md")
                            .isEqualTo(FIELDS);
                    assertThat(sections(page)).as(name).containsExactly("Order");
                });
    }

    @Test
    void theIndexLinksEveryPage() throws IOException {
        Map<String, String> pages = pages();
        String index = Objects.requireNonNull(pages.remove(INDEX));

        assertThat(links(index))
                .as("links of docs/runbooks/README.md")
                .containsAll(pages.keySet().stream().map(page -> page + ".md").toList());
    }

    @Test
    void linksLeadToFiles() throws IOException {
        for (Path document : documents()) {
            for (String link : links(Files.readString(document))) {
                assertThat(document.resolveSibling(link)).as("link in " + document).exists();
            }
        }
    }

    @Test
    void theProgramAcceptsEveryDocumentedCommand() throws IOException {
        Set<String> refused = new TreeSet<>();
        int commands = 0;
        for (Path document : documents()) {
            for (String line : DocumentedCommands.in(Files.readString(document)).toList()) {
                commands++;
                DocumentedCommands.refusal(line)
                        .ifPresent(reason -> refused.add(document + ": " + reason));
            }
        }

        assertThat(refused).isEmpty();
        assertThat(commands).isGreaterThan(100);
    }

    @Test
    void everyDocumentedMetricIsOneOfTheService() throws IOException {
        Set<String> exported = metrics();
        Set<String> unknown = new TreeSet<>();
        for (Path document : documents()) {
            METRIC.matcher(Files.readString(document))
                    .results()
                    .map(MatchResult::group)
                    .filter(name -> !ROLES.contains(name))
                    .filter(name -> !exported.contains(name.replaceFirst("_total$", "")))
                    .forEach(name -> unknown.add(document + ": " + name));
        }

        assertThat(unknown).as("metrics that no class exports").isEmpty();
    }

    @Test
    void aPrintedRunbookHasTheFieldsCommandsAndMetricsOfThePages() throws IOException {
        String file =
                """
                migration: shop
                source: {url: 'jdbc:postgresql://a/shop', username: u, password: p}
                target: {url: 'jdbc:postgresql://b/crm', username: u, password: p}
                tables: {crm.customer: SELECT id FROM public.users}
                """;
        SpecResult.Valid valid =
                (SpecResult.Valid) SpecReader.read("millrace.yaml", file, Map.of());
        String printed = RunbookWriter.write("millrace.yaml", valid, _ -> "").markdown();

        assertThat(sections(printed)).containsAll(FIELDS).contains("Order");
        assertThat(DocumentedCommands.in(printed))
                .hasSizeGreaterThan(10)
                .allSatisfy(line -> assertThat(DocumentedCommands.refusal(line)).isEmpty());
        assertThat(METRIC.matcher(printed).results())
                .hasSizeGreaterThan(10)
                .extracting(MatchResult::group)
                .isSubsetOf(metrics());
    }

    /// A message of the program in quotation marks, with … for a value.
    @Test
    void everyQuotedMessageExists() throws IOException {
        List<String> messages =
                Files.readAllLines(Path.of("src/test/resources/messages.txt")).stream()
                        .map(line -> line.replaceAll("\\{}|%(?:\\d\\$)?,?[sd]", "…"))
                        .toList();
        List<String> quoted =
                Pattern.compile("“([^”]+)”")
                        .matcher(Files.readString(CHECKOUT.resolve("docs/troubleshooting.md")))
                        .results()
                        .map(quote -> quote.group(1))
                        .toList();

        assertThat(quoted)
                .hasSizeGreaterThan(10)
                .filteredOn(quote -> messages.stream().noneMatch(line -> line.contains(quote)))
                .isEmpty();
    }

    @Test
    void reportsWhatDoesNotExist() {
        assertThat(
                        DocumentedCommands.in(
                                "run `millrace statsu` or\n```\n$ millrace pause --now\n```\n"))
                .allMatch(line -> DocumentedCommands.refusal(line).isPresent())
                .hasSize(2);
    }

    private static Set<String> difference(Set<String> all, Set<String> without) {
        Set<String> rest = new TreeSet<>(all);
        rest.removeAll(without);
        return rest;
    }

    /// Pages by name, in the order of the names.
    private static Map<String, String> pages() throws IOException {
        Map<String, String> pages = new TreeMap<>();
        try (Stream<Path> files = Files.list(RUNBOOKS)) {
            for (Path file : files.toList()) {
                pages.put(
                        file.getFileName().toString().replaceFirst("\\.md$", ""),
                        Files.readString(file));
            }
        }
        return pages;
    }

    private static List<Path> documents() throws IOException {
        try (Stream<Path> files = Files.list(RUNBOOKS)) {
            return Stream.concat(
                            files.sorted(),
                            Stream.of("README.md", "docs/troubleshooting.md")
                                    .map(CHECKOUT::resolve)
                                    .filter(Files::exists))
                    .toList();
        }
    }

    /// Alerts with their severity.
    private static Map<String, String> alerts() {
        return StrictYaml.camel(REPOSITORY, MonitoringFiles.RULES, MonitoringFiles.Rules.class)
                .groups()
                .stream()
                .flatMap(group -> group.rules().stream())
                .collect(
                        Collectors.toMap(
                                MonitoringFiles.Rule::alert,
                                rule -> String.valueOf(rule.labels().get("severity")),
                                (one, _) -> one,
                                TreeMap::new));
    }

    /// `phase-in-sync` for the phase IN_SYNC.
    private static Stream<String> phases() {
        return Stream.of(Phase.class.getPermittedSubclasses())
                .map(
                        phase ->
                                phase.getSimpleName()
                                        .replaceAll("([a-z])([A-Z])", "$1-$2")
                                        .toLowerCase(Locale.ROOT));
    }

    private static List<String> sections(String page) {
        return Pattern.compile("(?m)^## (.*)$")
                .matcher(page)
                .results()
                .map(section -> section.group(1))
                .toList();
    }

    private static List<String> links(String page) {
        Matcher link = LINK.matcher(page);
        return link.results().map(found -> found.group(1)).toList();
    }

    /// Every metric that a class of the service names.
    private static Set<String> metrics() throws IOException {
        try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
            return sources.filter(file -> file.toString().endsWith(".java"))
                    .flatMap(
                            file ->
                                    Pattern.compile("\"(millrace_[a-z_]+[a-z])\"")
                                            .matcher(read(file))
                                            .results()
                                            .map(found -> found.group(1)))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
