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
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Judges alerts and dashboard against what a running service really tells.
final class MonitoringCheck {

    private static final Set<String> FROM_PROMETHEUS = Set.of("job", "instance");
    private static final Pattern IN_TEXT = Pattern.compile("\\{\\{\\s*(?:\\$labels\\.)?(\\w+)");
    private static final Pattern JOB = Pattern.compile("job=\"([^\"]*)\"");
    private static final String OPERATED = "k8s/overlays/prometheus-operator/prometheus-rule.yaml";

    private final Checkout checkout;
    private final Scrape scrape;
    private final Findings findings = new Findings();
    private final Set<String> looked = new TreeSet<>();

    private MonitoringCheck(Checkout checkout, Scrape scrape) {
        this.checkout = checkout;
        this.scrape = scrape;
    }

    static List<String> judge(Checkout checkout, Scrape scrape) {
        MonitoringCheck check = new MonitoringCheck(checkout, scrape);
        check.findings.reading(check::rules);
        check.findings.reading(check::sameRules);
        check.findings.reading(check::dashboard);
        check.everythingIsLookedAt();
        return check.findings.told();
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
            findings.require(names.add(rule.alert()), rule.alert(), "is there twice");
            findings.require(
                    Set.of("warning", "critical")
                            .contains(rule.labels().getOrDefault("severity", "")),
                    rule.alert(),
                    "has no severity");
            findings.require(
                    rule.annotations().keySet().equals(Set.of("summary", "description")),
                    rule.alert(),
                    "doesn't say what is the matter and what to do");
            expression(rule.alert(), rule.expr(), String.join(" ", rule.annotations().values()));
            Matcher job = JOB.matcher(rule.expr());
            while (job.find()) {
                findings.require(
                        jobs.contains(job.group(1)),
                        rule.alert(),
                        "nothing is scraped as " + job.group(1));
            }
        }
    }

    /// For the operator the rules stand inside an object, which no file of Prometheus may be.
    private void sameRules() {
        Object rules =
                StrictYaml.documents(MonitoringFiles.RULES, checkout.text(MonitoringFiles.RULES))
                        .getFirst();
        Object operated = StrictYaml.documents(OPERATED, checkout.text(OPERATED)).getFirst();
        findings.require(
                Overlay.map(Overlay.asMap(OPERATED, operated), "spec").equals(rules),
                OPERATED,
                "holds other rules than " + MonitoringFiles.RULES);
    }

    private void dashboard() {
        Dashboard dashboard =
                StrictYaml.camel(checkout, MonitoringFiles.DASHBOARD, Dashboard.class);
        String source = "${" + dashboard.templating().list().getFirst().name() + "}";
        Set<Integer> ids = new HashSet<>();
        Set<String> cells = new HashSet<>();
        for (Panel panel : dashboard.panels()) {
            String where = "panel " + panel.title();
            findings.require(ids.add(panel.id()), where, "has the id of another");
            findings.require(
                    Set.of("stat", "timeseries").contains(panel.type()),
                    where,
                    "is of the kind " + panel.type());
            for (int x = panel.gridPos().x(); x < panel.gridPos().x() + panel.gridPos().w(); x++) {
                for (int y = panel.gridPos().y();
                        y < panel.gridPos().y() + panel.gridPos().h();
                        y++) {
                    findings.require(
                            x < 24 && cells.add(x + "," + y), where, "lies over another panel");
                }
            }
            for (Target target : panel.targets()) {
                findings.require(
                        target.datasource().uid().equals(source)
                                && panel.datasource().uid().equals(source),
                        where,
                        "asks another source than the chosen one");
                expression(where, target.expr(), target.legendFormat());
            }
        }
    }

    private void expression(String where, String expression, String text) {
        List<PromQl.Series> asked;
        try {
            asked = PromQl.series(expression);
        } catch (IllegalArgumentException e) {
            findings.add(where, String.valueOf(e.getMessage()));
            return;
        }
        Set<String> known = new TreeSet<>(FROM_PROMETHEUS);
        for (PromQl.Series series : asked) {
            looked.add(series.metric());
            if (!series.metric().equals("up")) {
                findings.require(
                        scrape.metrics().containsKey(series.metric()),
                        where,
                        "no service tells " + series.metric());
                known.addAll(scrape.metrics().getOrDefault(series.metric(), Set.of()));
            }
            Set<String> labels = new TreeSet<>(series.labels());
            labels.removeAll(known);
            findings.require(labels.isEmpty(), where, "no series has the labels " + labels);
        }
        Matcher shown = IN_TEXT.matcher(text);
        while (shown.find()) {
            findings.require(
                    known.contains(shown.group(1)),
                    where,
                    "shows the label " + shown.group(1) + ", which no series has");
        }
    }

    /// Of our own metrics; the generation is for a look at one's leisure.
    private void everythingIsLookedAt() {
        scrape.metrics().keySet().stream()
                .filter(metric -> metric.startsWith("millrace_"))
                .filter(metric -> !metric.equals("millrace_generation"))
                .filter(metric -> !looked.contains(metric))
                .forEach(metric -> findings.add(metric, "no alert and no panel looks at it"));
    }
}
