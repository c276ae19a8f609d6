package dev.millrace.app;

import dev.millrace.console.Console;
import dev.millrace.http.ApprovalApi;
import dev.millrace.http.DefinitionApi;
import dev.millrace.http.DiagnosticsApi;
import dev.millrace.http.EndingApi;
import dev.millrace.http.FlowApi;
import dev.millrace.http.JmxMetrics;
import dev.millrace.http.JournalApi;
import dev.millrace.http.MigrationApi;
import dev.millrace.http.MigrationHost;
import dev.millrace.http.MigrationMetrics;
import dev.millrace.http.Problems;
import dev.millrace.http.RebackfillApi;
import dev.millrace.http.RejectedApi;
import dev.millrace.http.RepairApi;
import dev.millrace.http.StrictJson;
import dev.millrace.http.SwitchoverApi;
import dev.millrace.http.access.AccessConfiguration;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.lang.management.ManagementFactory;
import java.time.InstantSource;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.webmvc.autoconfigure.error.ErrorMvcAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/// Spring configuration of the HTTP API. All beans are declared here or in [MillraceService]; there
/// is no component scan.
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration(exclude = ErrorMvcAutoConfiguration.class)
@Import({
    AccessConfiguration.class,
    MigrationApi.class,
    DefinitionApi.class,
    DiagnosticsApi.class,
    FlowApi.class,
    RejectedApi.class,
    RebackfillApi.class,
    RepairApi.class,
    SwitchoverApi.class,
    EndingApi.class,
    ApprovalApi.class,
    Console.class,
    JournalApi.class,
    Problems.class,
    StrictJson.class
})
class ServiceConfiguration {

    @Bean
    InstantSource clock() {
        return SteadyClock.ofProcess();
    }

    @Bean
    HealthIndicator migrationHealthIndicator(MigrationHost host) {
        return () -> (host.ready() ? Health.up() : Health.outOfService()).build();
    }

    @Bean
    SmartInitializingSingleton migrationMetrics(PrometheusRegistry registry, MigrationHost host) {
        return () -> {
            registry.register(new MigrationMetrics(host::running));
            registry.register(new JmxMetrics(ManagementFactory.getPlatformMBeanServer()));
        };
    }
}
