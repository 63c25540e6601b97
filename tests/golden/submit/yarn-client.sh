# rendered by `fuserank render submit`; in client mode conf/ is beside the shell, or FUSERANK_CONF names it

# bronze
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-bronze \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/bronze.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# candidates
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-candidates \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/candidates.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# compare
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-compare \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/compare.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# demote
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-demote \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/demote.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# evaluate
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-evaluate \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/evaluate.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# features
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-features \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/features.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# fusion
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-fusion \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/fusion.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# promote
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-promote \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/promote.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# publish
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-publish \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/publish.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# publish_store
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-publish_store \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/publish_store.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# quality
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-quality \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/quality.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# ranking
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-ranking \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/ranking.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# refresh
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-refresh \
  --archives 'hdfs:///apps/fuserank/fuserank-train.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/refresh.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# report
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-report \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/report.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# rollback
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-rollback \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/rollback.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# samples
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-samples \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/samples.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# scores
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-scores \
  --archives 'hdfs:///apps/fuserank/fuserank-train.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/scores.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# silver
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-silver \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/silver.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# stream
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-stream \
  --archives 'hdfs:///apps/fuserank/fuserank-data.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/stream.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake

# train
spark-submit \
  --master yarn \
  --deploy-mode client \
  --name fuserank-train \
  --archives 'hdfs:///apps/fuserank/fuserank-train.tar.gz#environment' \
  --jars hdfs:///apps/fuserank/jars/delta-spark_2.13-4.0.1.jar,hdfs:///apps/fuserank/jars/delta-storage-4.0.1.jar \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.sql.session.timeZone=UTC \
  --conf spark.python.daemon.module=fuserank.io.runtime.daemon \
  --conf spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS \
  --conf spark.sql.execution.arrow.maxBytesPerBatch=67108864 \
  --conf spark.executorEnv.TZ=UTC \
  --conf spark.driver.memory=4g \
  --conf spark.pyspark.python=./environment/bin/python \
  --conf spark.pyspark.driver.python=.venv/bin/python \
  --conf spark.executor.instances=4 \
  --conf spark.executor.cores=4 \
  --conf spark.executor.memory=8g \
  --conf spark.executor.memoryOverhead=6g \
  hdfs:///apps/fuserank/jobs/train.py --env cluster --dataset completejourney --as-of 2017-12-04 --lake s3a://shop/lake
