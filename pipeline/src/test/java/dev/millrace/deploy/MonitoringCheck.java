package dev.millrace.deploy;

import dev.millrace.deploy.MonitoringFiles.Dashboard;
import dev.millrace.deploy.MonitoringFiles.Panel;
import dev.millrace.deploy.MonitoringFiles.Prometheus;
import dev.millrace.deploy.MonitoringFiles.Rule;
import dev.millrace.deploy.MonitoringFiles.Rules;
import dev.millrace.deploy.MonitoringFiles.Target;
import java.util.HashSet;
import java.util.List;
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
    private static final Pattern OUR_METRIC = Pattern.compile("\\bmillrace_\\w+");

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
        check.findings.reading(check::dashboard);
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
                    rule.annotations().keySet().equals(Set.of("summary", "description")),
                    rule.alert(),
                    "needs exactly a summary and a description");
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

    private void dashboard() {
        Dashboard dashboard =
                StrictYaml.camel(checkout, MonitoringFiles.DASHBOARD, Dashboard.class);
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
        List<String> ours =
                scrape.series().stream().filter(one -> one.startsWith("millrace_")).toList();
        Findings findings = new Findings();
        findings.reading(
                () -> {
                    for (Panel panel :
                            StrictYaml.camel(checkout, MonitoringFiles.DASHBOARD, Dashboard.class)
                                    .panels()) {
                        for (Target target : panel.targets()) {
                            PromTool.evaluate(target.expr(), ours)
                                    .ifPresent(
                                            output ->
                                                    findings.add("panel " + panel.title(), output));
                        }
                    }
                });
        return findings.list();
    }

    private void expression(String where, String expression, String text) {
        Set<String> known = new TreeSet<>(FROM_PROMETHEUS);
        OUR_METRIC
                .matcher(expression)
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
                .filter(metric -> metric.startsWith("millrace_"))
                .filter(metric -> !metric.equals("millrace_generation"))
                .filter(metric -> !used.contains(metric))
                .forEach(metric -> findings.add(metric, "not used by any alert or panel"));
    }
}
