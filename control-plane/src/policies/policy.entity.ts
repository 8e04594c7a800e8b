import { documentEntity } from '../configuration/document.entity.ts';

export const PolicyEntity = documentEntity('policy');
