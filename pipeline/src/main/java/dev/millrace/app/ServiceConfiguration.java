package dev.millrace.app;

import dev.millrace.http.AccessFilter;
import dev.millrace.http.AccessPolicy;
import dev.millrace.http.MigrationApi;
import dev.millrace.http.MigrationHost;
import dev.millrace.http.MigrationMetrics;
import dev.millrace.http.Problems;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.boot.webmvc.autoconfigure.error.ErrorMvcAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.Ordered;
import tools.jackson.databind.json.JsonMapper;

/// The composition of the HTTP side. Every bean is named here or in [MillraceService]; nothing is
/// scanned for.
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration(exclude = ErrorMvcAutoConfiguration.class)
@Import({MigrationApi.class, Problems.class})
class ServiceConfiguration {

    @Bean
    FilterRegistrationBean<AccessFilter> accessFilter(AccessPolicy policy, JsonMapper json) {
        FilterRegistrationBean<AccessFilter> filter =
                new FilterRegistrationBean<>(new AccessFilter(policy, json));
        filter.setOrder(Ordered.HIGHEST_PRECEDENCE);
        return filter;
    }

    @Bean
    HealthIndicator migrationHealthIndicator(MigrationHost life) {
        return () -> (life.ready() ? Health.up() : Health.outOfService()).build();
    }

    @Bean
    SmartInitializingSingleton migrationMetrics(PrometheusRegistry registry, MigrationHost life) {
        return () -> registry.register(new MigrationMetrics(life::running));
    }
}
