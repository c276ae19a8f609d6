package dev.millrace.deploy;

import dev.millrace.deploy.MonitoringFiles.Dashboard;
import dev.millrace.deploy.MonitoringFiles.Panel;
import dev.millrace.deploy.MonitoringFiles.Prometheus;
import dev.millrace.deploy.MonitoringFiles.Rule;
import dev.millrace.deploy.MonitoringFiles.Rules;
import dev.millrace.deploy.MonitoringFiles.Target;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Checks alerts and dashboard against the metrics that a running service exports.
final class MonitoringCheck {

    private static final Set<String> FROM_PROMETHEUS = Set.of("job", "instance");
    private static final Pattern IN_TEXT = Pattern.compile("\\{\\{\\s*(?:\\$labels\\.)?(\\w+)");
    private static final Pattern JOB = Pattern.compile("job=\"([^\"]*)\"");
    private static final String OURS = "millrace_";

    /// Metrics of the service, ours and those of its libraries.
    private static final Pattern METRIC =
            Pattern.compile(
                    "\\b(?:millrace|hikaricp|kafka|debezium|jvm|process|logback|http)_\\w+");

    private final Checkout checkout;
    private final Scrape scrape;
    private final Findings findings = new Findings();
    private final Set<String> used = new TreeSet<>();

    private MonitoringCheck(Checkout checkout, Scrape scrape) {
        this.checkout = checkout;
        this.scrape = scrape;
    }

    static List<String> run(Checkout checkout, Scrape scrape) {
        MonitoringCheck check = new MonitoringCheck(checkout, scrape);
        check.findings.reading(check::rules);
        check.findings.reading(check::sameRules);
        check.findings.reading(check::dashboards);
        check.findings.reading(check::alertTests);
        check.everyMetricIsUsed();
        return check.findings.list();
    }

    private void rules() {
        Rules rules = StrictYaml.camel(checkout, MonitoringFiles.RULES, Rules.class);
        Set<String> jobs = new TreeSet<>();
        StrictYaml.snake(
                        checkout,
                        "pipeline/src/compose/prometheus/prometheus.yaml",
                        Prometheus.class)
                .scrapeConfigs()
                .forEach(config -> jobs.add(config.jobName()));
        Set<String> names = new HashSet<>();
        for (Rule rule :
                rules.groups().stream().flatMap(group -> group.rules().stream()).toList()) {
            findings.require(names.add(rule.alert()), rule.alert(), "is declared twice");
            findings.require(
                    Set.of("warning", "critical")
                            .contains(rule.labels().getOrDefault("severity", "")),
                    rule.alert(),
                    "has no severity");
            findings.require(
                    rule.annotations()
                            .keySet()
                            .equals(Set.of("summary", "description", "runbook_url")),
                    rule.alert(),
                    "needs exactly a summary, a description and a runbook_url");
            findings.require(
                    ("docs/runbooks/" + rule.alert() + ".md")
                            .equals(rule.annotations().get("runbook_url")),
                    rule.alert(),
                    "has the runbook of another alert");
            expression(rule.alert(), rule.expr(), String.join(" ", rule.annotations().values()));
            Matcher job = JOB.matcher(rule.expr());
            while (job.find()) {
                findings.require(
                        jobs.contains(job.group(1)), rule.alert(), "no scrape job " + job.group(1));
            }
        }
    }

    /// The Prometheus operator needs the rules inside a Kubernetes object, so they exist twice.
    private void sameRules() {
        Object rules =
                StrictYaml.documents(MonitoringFiles.RULES, checkout.text(MonitoringFiles.RULES))
                        .getFirst();
        Object operated =
                StrictYaml.documents(
                                MonitoringFiles.OPERATOR_RULES,
                                checkout.text(MonitoringFiles.OPERATOR_RULES))
                        .getFirst();
        findings.require(
                Overlay.map(Overlay.asMap(MonitoringFiles.OPERATOR_RULES, operated), "spec")
                        .equals(rules),
                MonitoringFiles.OPERATOR_RULES,
                "differs from " + MonitoringFiles.RULES);
    }

    private void dashboards() {
        findings.require(
                checkout.filesIn(MonitoringFiles.DASHBOARD_FOLDER).stream()
                        .map(MonitoringFiles.DASHBOARD_FOLDER::concat)
                        .sorted()
                        .toList()
                        .equals(MonitoringFiles.DASHBOARDS),
                MonitoringFiles.DASHBOARD_FOLDER,
                "has other dashboards than " + MonitoringFiles.DASHBOARDS);
        Set<String> uids = new HashSet<>();
        for (String file : MonitoringFiles.DASHBOARDS) {
            Dashboard dashboard = StrictYaml.camel(checkout, file, Dashboard.class);
            findings.require(uids.add(dashboard.uid()), file, "has the uid of another dashboard");
            dashboard(dashboard);
        }
    }

    private void dashboard(Dashboard dashboard) {
        String source = "${" + dashboard.templating().list().getFirst().name() + "}";
        Set<Integer> ids = new HashSet<>();
        Set<String> cells = new HashSet<>();
        for (Panel panel : dashboard.panels()) {
            String where = "panel " + panel.title();
            findings.require(ids.add(panel.id()), where, "has a duplicate id");
            findings.require(
                    Set.of("stat", "timeseries").contains(panel.type()),
                    where,
                    "has the unsupported type " + panel.type());
            for (int x = panel.gridPos().x(); x < panel.gridPos().x() + panel.gridPos().w(); x++) {
                for (int y = panel.gridPos().y();
                        y < panel.gridPos().y() + panel.gridPos().h();
                        y++) {
                    findings.require(
                            x < 24 && cells.add(x + "," + y), where, "overlaps another panel");
                }
            }
            for (Target target : panel.targets()) {
                findings.require(
                        target.datasource().uid().equals(source)
                                && panel.datasource().uid().equals(source),
                        where,
                        "uses another data source than the selected one");
                expression(where, target.expr(), target.legendFormat());
            }
        }
    }

    /// Evaluates every panel with promtool over the series of the scrape. A panel without a result
    /// is a finding.
    static List<String> evaluate(Checkout checkout, Scrape scrape) {
        List<String> known =
                scrape.series().stream().filter(one -> METRIC.matcher(one).lookingAt()).toList();
        Findings findings = new Findings();
        findings.reading(
                () -> {
                    List<Query> queries =
                            panels(checkout).stream()
                                    .flatMap(
                                            panel ->
                                                    panel.targets().stream()
                                                            .map(
                                                                    target ->
                                                                            new Query(
                                                                                    panel.title(),
                                                                                    target.expr())))
                                    .toList();
                    evaluate(queries, known, findings);
                });
        return findings.list();
    }

    private record Query(String panel, String expression) {}

    /// In one run of promtool, because each costs a tenth of a second; in halves if one fails.
    private static void evaluate(List<Query> queries, List<String> known, Findings findings) {
        Optional<String> output =
                PromTool.evaluate(queries.stream().map(Query::expression).toList(), known);
        if (output.isEmpty()) {
            return;
        }
        if (queries.size() == 1) {
            findings.add("panel " + queries.getFirst().panel(), output.get());
            return;
        }
        evaluate(queries.subList(0, queries.size() / 2), known, findings);
        evaluate(queries.subList(queries.size() / 2, queries.size()), known, findings);
    }

    private static List<Panel> panels(Checkout checkout) {
        return MonitoringFiles.DASHBOARDS.stream()
                .flatMap(
                        file -> StrictYaml.camel(checkout, file, Dashboard.class).panels().stream())
                .toList();
    }

    private void expression(String where, String expression, String text) {
        Set<String> known = new TreeSet<>(FROM_PROMETHEUS);
        METRIC.matcher(expression)
                .results()
                .map(MatchResult::group)
                .forEach(
                        metric -> {
                            used.add(metric);
                            findings.require(
                                    scrape.metrics().containsKey(metric),
                                    where,
                                    "no service exports " + metric);
                            known.addAll(scrape.metrics().getOrDefault(metric, Set.of()));
                        });
        Matcher shown = IN_TEXT.matcher(text);
        while (shown.find()) {
            findings.require(
                    known.contains(shown.group(1)),
                    where,
                    "shows the label " + shown.group(1) + ", but no series has this label");
        }
    }

    /// The alert tests must not use series that no service exports.
    private void alertTests() {
        PromTool.AlertTests.read()
                .series()
                .metrics()
                .forEach(
                        (metric, labels) -> {
                            Set<String> unknown = new TreeSet<>(labels);
                            unknown.removeAll(FROM_PROMETHEUS);
                            unknown.removeAll(scrape.metrics().getOrDefault(metric, Set.of()));
                            findings.require(
                                    metric.equals("up") || scrape.metrics().containsKey(metric),
                                    "alert tests",
                                    "no service exports " + metric);
                            findings.require(
                                    unknown.isEmpty(),
                                    "alert tests",
                                    metric + " does not have the labels " + unknown);
                        });
    }

    /// Every metric of ours must be used, except the generation.
    private void everyMetricIsUsed() {
        scrape.metrics().keySet().stream()
                .filter(metric -> metric.startsWith(OURS))
                .filter(metric -> !metric.equals("millrace_generation"))
                .filter(metric -> !used.contains(metric))
                .forEach(metric -> findings.add(metric, "not used by any alert or panel"));
    }
}
