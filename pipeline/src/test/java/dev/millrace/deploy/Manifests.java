package dev.millrace.deploy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.deploy.Findings.UnreadableFile;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The objects of a rendered folder as types of the Kubernetes API.
record Manifests(List<HasMetadata> objects) {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static final Map<String, Class<? extends HasMetadata>> TYPES =
            Map.ofEntries(
                    Map.entry("v1 Namespace", Namespace.class),
                    Map.entry("v1 ConfigMap", ConfigMap.class),
                    Map.entry("v1 Secret", Secret.class),
                    Map.entry("v1 Service", Service.class),
                    Map.entry("v1 PersistentVolumeClaim", PersistentVolumeClaim.class),
                    Map.entry("apps/v1 Deployment", Deployment.class),
                    Map.entry("batch/v1 Job", Job.class),
                    Map.entry("networking.k8s.io/v1 NetworkPolicy", NetworkPolicy.class),
                    Map.entry("monitoring.coreos.com/v1 ServiceMonitor", ServiceMonitor.class),
                    Map.entry("monitoring.coreos.com/v1 PrometheusRule", PrometheusRule.class));

    private static final ClassValue<List<Method>> GETTERS =
            new ClassValue<>() {
                @Override
                protected List<Method> computeValue(Class<?> type) {
                    return Stream.of(type.getMethods())
                            .filter(method -> method.getName().startsWith("get"))
                            .filter(method -> method.getParameterCount() == 0)
                            .filter(method -> method.getDeclaringClass() != Object.class)
                            .toList();
                }
            };

    static Manifests of(List<Map<String, Object>> documents, Findings findings) {
        return new Manifests(
                documents.stream()
                        .<HasMetadata>flatMap(document -> typed(document, findings).stream())
                        .toList());
    }

    static HasMetadata secretExample(Checkout checkout, Findings findings) {
        String file = "k8s/secret.example.yaml";
        Object document = StrictYaml.documents(file, checkout.text(file)).getFirst();
        return typed(Overlay.asMap(file, document), findings)
                .orElseThrow(() -> new UnreadableFile(file, "is not a Secret"));
    }

    <T extends HasMetadata> List<T> all(Class<T> type) {
        return objects.stream().filter(type::isInstance).map(type::cast).toList();
    }

    <T extends HasMetadata> Optional<T> find(Class<T> type, String name) {
        return all(type).stream()
                .filter(object -> object.getMetadata().getName().equals(name))
                .findFirst();
    }

    List<Pod> pods() {
        return Stream.of(
                        all(Deployment.class).stream()
                                .map(one -> new Pod(one, one.getSpec().getTemplate())),
                        all(Job.class).stream()
                                .map(one -> new Pod(one, one.getSpec().getTemplate())))
                .flatMap(pods -> pods)
                .toList();
    }

    private static Optional<HasMetadata> typed(Map<String, Object> document, Findings findings) {
        String kind = document.get("apiVersion") + " " + document.get("kind");
        String where = document.get("kind") + "/" + Overlay.map(document, "metadata").get("name");
        Class<? extends HasMetadata> type = TYPES.get(kind);
        if (type == null) {
            findings.add(where, "unknown kind " + kind);
            return Optional.empty();
        }
        try {
            HasMetadata object = MAPPER.convertValue(document, type);
            unknownFields(where, object, findings);
            return Optional.of(object);
        } catch (IllegalArgumentException e) {
            findings.add(where, String.valueOf(e.getMessage()));
            return Optional.empty();
        }
    }

    /// The API types collect unknown fields separately; any such field is a finding.
    private static void unknownFields(String where, @Nullable Object value, Findings findings) {
        switch (value) {
            case List<?> list -> list.forEach(one -> unknownFields(where, one, findings));
            case Map<?, ?> map ->
                    map.forEach((key, one) -> unknownFields(where + "." + key, one, findings));
            case null -> {}
            default -> {
                if (value.getClass().getName().startsWith("io.fabric8.")
                        && !value.getClass().isEnum()) {
                    fields(where, value, findings);
                }
            }
        }
    }

    private static void fields(String where, Object value, Findings findings) {
        for (Method getter : GETTERS.get(value.getClass())) {
            Object field = get(value, getter);
            if (getter.getName().equals("getAdditionalProperties")) {
                if (field instanceof Map<?, ?> unknown && !unknown.isEmpty()) {
                    findings.add(where, "unknown fields " + unknown.keySet());
                }
            } else {
                unknownFields(where + "." + getter.getName().substring(3), field, findings);
            }
        }
    }

    private static @Nullable Object get(Object value, Method getter) {
        try {
            return getter.invoke(value);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }
}
