# rendered by `fuserank render submit`; in client mode conf/ is beside the shell, or FUSERANK_CONF names it

# bronze
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-bronze \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/bronze.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# candidates
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-candidates \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/candidates.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# compare
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-compare \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/compare.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# demote
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-demote \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/demote.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# evaluate
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-evaluate \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/evaluate.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# features
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-features \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/features.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# fusion
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-fusion \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/fusion.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# promote
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-promote \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/promote.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# publish
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-publish \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/publish.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# publish_store
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-publish_store \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/publish_store.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# quality
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-quality \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/quality.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# ranking
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-ranking \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/ranking.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# refresh
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-refresh \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-train:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/refresh.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# report
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-report \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/report.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# rollback
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-rollback \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/rollback.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# samples
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-samples \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/samples.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# scores
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-scores \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-train:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/scores.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# silver
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-silver \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/silver.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# stream
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-stream \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/stream.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# train
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name fuserank-train \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.driver.cores=4 \
  --conf spark.driver.memoryOverhead=8g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-train:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.driver.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=fuserank-driver \
  --conf spark.kubernetes.driverEnv.TZ=UTC \
  --conf spark.kubernetes.driverEnv.FUSERANK_CONF=/opt/fuserank/conf \
  local:///opt/fuserank/jobs/train.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake
