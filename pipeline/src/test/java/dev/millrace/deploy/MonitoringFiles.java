package dev.millrace.deploy;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The parts of the file formats of Prometheus and Grafana that our files use.
final class MonitoringFiles {

    static final String RULES = "pipeline/src/compose/prometheus/rules.yaml";
    static final String OPERATOR_RULES = "k8s/overlays/prometheus-operator/prometheus-rule.yaml";
    static final String DASHBOARD_FOLDER = "k8s/overlays/prometheus-operator/dashboards/";
    static final List<String> DASHBOARDS =
            Stream.of("overview.json", "pipeline.json", "reconcile-and-switchover.json")
                    .map(DASHBOARD_FOLDER::concat)
                    .toList();

    private MonitoringFiles() {}

    record Prometheus(Global global, List<String> ruleFiles, List<Scrape> scrapeConfigs) {}

    record Global(String scrapeInterval, String evaluationInterval) {}

    record Scrape(
            String jobName,
            String metricsPath,
            Authorization authorization,
            List<Targets> staticConfigs) {}

    record Authorization(String type, String credentialsFile) {}

    record Targets(List<String> targets) {}

    record Rules(List<Group> groups) {}

    record Group(String name, List<Rule> rules) {}

    record Rule(
            String alert,
            String expr,
            @JsonProperty("for") @Nullable String lasting,
            Map<String, String> labels,
            Map<String, String> annotations) {}

    record DataSources(int apiVersion, List<DataSource> datasources) {}

    record DataSource(
            String name,
            String uid,
            String type,
            String access,
            String url,
            @JsonProperty("isDefault") boolean standard,
            boolean editable,
            Map<String, String> jsonData) {}

    record Dashboards(int apiVersion, List<Provider> providers) {}

    record Provider(
            String name,
            String type,
            boolean disableDeletion,
            boolean allowUiUpdates,
            Options options) {}

    record Options(String path) {}

    record Dashboard(
            String uid,
            String title,
            List<String> tags,
            String timezone,
            int schemaVersion,
            int version,
            boolean editable,
            String refresh,
            Map<String, String> time,
            Templating templating,
            List<Panel> panels) {}

    record Templating(List<Variable> list) {}

    record Variable(String name, String label, String type, String query) {}

    record Panel(
            int id,
            String type,
            String title,
            Source datasource,
            Place gridPos,
            List<Target> targets,
            Map<String, Object> fieldConfig,
            @Nullable Map<String, Object> options) {}

    record Source(String type, String uid) {}

    record Place(int x, int y, int w, int h) {}

    record Target(String refId, Source datasource, String expr, String legendFormat) {}
}
