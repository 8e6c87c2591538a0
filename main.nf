#!/usr/bin/env nextflow

include { CREKIT } from './nextflow/main.nf'

workflow {
    CREKIT()
}
