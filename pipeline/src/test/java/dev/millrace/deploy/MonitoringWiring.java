package dev.millrace.deploy;

import dev.millrace.deploy.ComposeFile.Service;
import dev.millrace.deploy.MonitoringFiles.Dashboards;
import dev.millrace.deploy.MonitoringFiles.DataSources;
import dev.millrace.deploy.MonitoringFiles.Prometheus;
import dev.millrace.deploy.MonitoringFiles.Scrape;

/// Checks the references between the configurations of Prometheus, Grafana and the service.
final class MonitoringWiring {

    private final Checkout checkout;
    private final ComposeFile compose;
    private final Findings findings;

    MonitoringWiring(Checkout checkout, ComposeFile compose, Findings findings) {
        this.checkout = checkout;
        this.compose = compose;
        this.findings = findings;
    }

    void run() {
        prometheus(compose.service("prometheus"));
        grafana(compose.service("grafana"));
    }

    private void prometheus(Service service) {
        String option = "--config.file=";
        String config =
                service.arguments().stream()
                        .filter(argument -> argument.startsWith(option))
                        .map(argument -> argument.substring(option.length()))
                        .findFirst()
                        .orElse("/etc/prometheus/prometheus.yml");
        String file = at("prometheus", service, config);
        Prometheus prometheus = StrictYaml.snake(checkout, file, Prometheus.class);
        for (String rules : prometheus.ruleFiles()) {
            findings.require(
                    checkout.holds(file.replaceFirst("[^/]+$", rules)),
                    file,
                    "file not found: " + rules);
        }
        for (Scrape scrape : prometheus.scrapeConfigs()) {
            findings.require(
                    scrape.metricsPath().equals(Served.METRICS),
                    file,
                    scrape.metricsPath() + " is not served");
            scrape.staticConfigs().stream()
                    .flatMap(targets -> targets.targets().stream())
                    .forEach(target -> requireService(file, target));
        }
    }

    private void grafana(Service service) {
        String sources = at("grafana", service, "/etc/grafana/provisioning/datasources");
        String providers = at("grafana", service, "/etc/grafana/provisioning/dashboards");
        for (String name : checkout.filesIn(sources)) {
            String file = sources + "/" + name;
            StrictYaml.camel(checkout, file, DataSources.class)
                    .datasources()
                    .forEach(source -> requireService(file, source.url().replace("http://", "")));
        }
        for (String name : checkout.filesIn(providers)) {
            String file = providers + "/" + name;
            StrictYaml.camel(checkout, file, Dashboards.class)
                    .providers()
                    .forEach(provider -> at(file, service, provider.options().path()));
        }
        at(
                "grafana",
                service,
                service.variables().getOrDefault("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH", ""));
    }

    private String at(String where, Service service, String path) {
        return service.fileAt(path)
                .filter(checkout::holds)
                .orElseThrow(
                        () -> new Findings.UnreadableFile(where, "nothing is mounted at " + path));
    }

    private void requireService(String where, String address) {
        String[] parts = address.split(":", 2);
        findings.require(
                parts.length == 2
                        && parts[1].matches("\\d+")
                        && compose.service(parts[0]).listens().contains(Integer.valueOf(parts[1])),
                where,
                "nothing listens at " + address);
    }
}
