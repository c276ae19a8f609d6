package dev.millrace.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ManifestTest {

    private static final Checkout REPOSITORY = Checkout.repository();

    @Test
    void everythingInThemIsKnownAndFitsTogether() {
        assertThat(ManifestCheck.judge(REPOSITORY, ManifestCheck.FOLDERS)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    deployment.yaml    | readinessProbe:               | readynessProbe:             | unknown fields [readynessProbe]
                    deployment.yaml    | replicas: 1                   | replicas: 2                 | one replica
                    deployment.yaml    | type: Recreate                | type: RollingUpdate         | Recreate
                    deployment.yaml    | containerPort: 8080           | containerPort: 8081         | opens another port
                    deployment.yaml    | containerPort: 8080           | containerPort: none         | Deployment/millrace
                    deployment.yaml    | name: http                    | name: web                   | a port that isn't opened
                    deployment.yaml    | /actuator/health/readiness    | /actuator/health            | the readiness probe asks
                    deployment.yaml    | key: token                    | key: tokens                 | there is no key tokens
                    deployment.yaml    | key: source-password          | key: password               | there is no key password
                    deployment.yaml    | path: source-password         | path: source                | there is no such file
                    deployment.yaml    | mountPath: /etc/millrace      | mountPath: /etc/config      | nothing is at /etc/millrace
                    deployment.yaml    | /etc/millrace/millrace.yaml   | /etc/millrace/migration.yaml | has no key migration.yaml
                    deployment.yaml    | claimName: millrace-data      | claimName: data             | there is no claim data
                    deployment.yaml    | name: millrace-places         | name: places                | there is no ConfigMap places
                    deployment.yaml    | runAsNonRoot: true            | runAsNonRoot: false         | more rights
                    deployment.yaml    | runAsUser: 10001              | runAsUser: 0                | more rights
                    deployment.yaml    | drop: [ALL]                   | drop: [KILL]                | more rights
                    deployment.yaml    | automountServiceAccountToken: false | automountServiceAccountToken: true | more rights
                    deployment.yaml    | --bind, 0.0.0.0               | --bind, 127.0.0.1           | from outside the pod
                    deployment.yaml    | cpu: 500m                     | gpu: 500m                   | what it needs is not said
                    deployment.yaml    | image: millrace               | image: mill                 | is not of version
                    service.yaml       | component: service            | component: server           | it selects not one kind of pod
                    service.yaml       | targetPort: http              | targetPort: 9090            | no pod opens its port
                    service.yaml       | port: 8080                    | port: 80                    | no service answers at
                    service.yaml       | apiVersion: v1                | apiVersion: v2              | there is no kind
                    volume.yaml        | storage: 10Gi                 | storages: 10Gi              | it asks for no room
                    plan.yaml          | backoffLimit: 0               | backofLimit: 0              | unknown fields [backofLimit]
                    plan.yaml          | args: [plan                   | args: [plans                | there is no verb plans
                    reconcile.yaml     | 'http://millrace:8080'        | 'http://millrace:8081'      | no service answers at
                    reconcile.yaml     | jobTemplate:                  | template:                   | unknown fields [template]
                    network.yaml       | name: millrace-to-kafka       | name: millrace-to-broker    | the edges are
                    network.yaml       | port: 9092                    | port: 9093                  | doesn't lead to port 9092
                    network.yaml       | values: [service, plan]       | values: [plan]              | doesn't lead to port
                    network.yaml       | port: http                    | port: https                 | nobody there opens the port https
                    network.yaml       | policyTypes: [Ingress, Egress] | policyTypes: [Ingress]     | open that has no name
                    network.yaml       | name: monitoring              | names: monitoring           | monitoring can't scrape
                    network.yaml       | component: reconcile          | component: reconciled       | it selects no pod
                    kustomization.yaml | - plan.yaml                   | - plans.yaml                | there is no plans.yaml
                    kustomization.yaml | '  - plan.yaml\n'             | ''                          | nothing names the file plan.yaml
                    kustomization.yaml | newTag: 0.1.0-SNAPSHOT        | newTag: latest              | is not of version
                    kustomization.yaml | SOURCE_URL                    | SOURCE                      | nobody gives the variable SOURCE_URL
                    kustomization.yaml | kafka:9092                    | kafka:9094                  | doesn't lead to port 9094
                    kustomization.yaml | resources:                    | resource:                   | resource
                    millrace.yaml      | data-dir                      | data_dir                    | data_dir
                    millrace.yaml      | /run/secrets}/source-password | /run/secrets}/password      | there is no such file
                    millrace.yaml      | ${DATA_DIR:/var/lib/millrace} | /data                       | on no claim
                    """)
    void aFaultInTheBaseIsTold(String file, String text, String fault, String told) {
        assertTold(ManifestCheck.BASE, "k8s/base/" + file, text, fault, told);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    ../pipeline/pom.xml                               | <user>10001:10001         | <user>10002:10002  | more rights
                    ../pipeline/pom.xml                               | <port>8080</port>         | <port>8081</port>  | the image listens on 8081
                    secret.example.yaml                               | token:                    | tokens:            | there is no key token
                    secret.example.yaml                               | token:                    | 'more: x\n  token:' | nobody reads the key more
                    overlays/production/kustomization.yaml            | newTag: 0.1.0-SNAPSHOT    | newTag: 0.0.9      | is not of version
                    overlays/production/kustomization.yaml            | namespace: millrace       | namespace: mill    | one confined namespace
                    overlays/production/kustomization.yaml            | crm-db.internal.example:5432 | crm-db.internal.example:5433 | millrace-to-target doesn't lead
                    overlays/production/namespace.yaml                | enforce: restricted       | enforce: baseline  | one confined namespace
                    overlays/production/resources.yaml                | name: millrace            | name: mill         | there is no Deployment mill
                    overlays/production/to-kafka.yaml                 | port: 9092                | port: 9093         | doesn't lead to port 9092
                    overlays/dev/kustomization.yaml                   | behavior: replace         | behavior: merges   | behavior merges
                    overlays/dev/millrace.yaml                        | migration: shop           | migration: Shop    | migration
                    overlays/prometheus-operator/service-monitor.yaml | /actuator/prometheus      | /metrics           | /metrics is not served
                    overlays/prometheus-operator/service-monitor.yaml | port: http                | port: metrics      | no service has a port metrics
                    overlays/prometheus-operator/service-monitor.yaml | key: token                | key: password      | it brings no token
                    overlays/prometheus-operator/service-monitor.yaml | component: service        | component: none    | it selects not one service
                    overlays/prometheus-operator/service-monitor.yaml | interval:                 | intervall:         | unknown fields [intervall]
                    overlays/prometheus-operator/kustomization.yaml   | dashboards/millrace.json  | dashboards/mill.json | there is no dashboards/mill.json
                    """)
    void aFaultBesideTheBaseIsTold(String file, String text, String fault, String told) {
        String folder =
                file.startsWith("overlays/")
                        ? "k8s/" + file.substring(0, file.indexOf('/', "overlays/".length()))
                        : ManifestCheck.BASE;
        assertTold(folder, "k8s/" + file, text, fault, told);
    }

    private static void assertTold(
            String folder, String file, String text, String fault, String told) {
        Checkout planted =
                REPOSITORY.with(file, text.replace("\\n", "\n"), fault.replace("\\n", "\n"));

        assertThat(ManifestCheck.judge(planted, List.of(folder)))
                .anySatisfy(one -> assertThat(one).contains(told));
    }
}
