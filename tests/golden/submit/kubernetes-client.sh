# rendered by `fuserank render submit`; in client mode conf/ is beside the shell, or FUSERANK_CONF names it

# bronze
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-bronze \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/bronze.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# candidates
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-candidates \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/candidates.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# compare
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-compare \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/compare.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# demote
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-demote \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/demote.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# evaluate
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-evaluate \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/evaluate.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# features
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-features \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/features.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# fusion
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-fusion \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/fusion.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# promote
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-promote \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/promote.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# publish
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-publish \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/publish.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# publish_store
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-publish_store \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/publish_store.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# quality
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-quality \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/quality.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# ranking
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-ranking \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/ranking.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# refresh
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-refresh \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-train:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/refresh.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# report
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-report \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/report.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# rollback
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-rollback \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/rollback.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# samples
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-samples \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/samples.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# scores
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-scores \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-train:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/scores.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# silver
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-silver \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/silver.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# stream
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-stream \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-data:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/stream.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# train
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode client \
  --name fuserank-train \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=/opt/fuserank/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  --conf spark.kubernetes.namespace=fuserank \
  --conf spark.kubernetes.container.image=fuserank-train:0.2.0 \
  --conf spark.kubernetes.executor.podTemplateFile=deploy/kubernetes/pod-template.yaml \
  hdfs:///apps/fuserank/jobs/train.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake
